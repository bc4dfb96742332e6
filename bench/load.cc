// How long a file of weights takes to become a model that can be used, and the memory at its peak beyond the file's own
// size: bench_load FILE [ROUNDS]
#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <exception>
#include <vector>

#include "tessera/weights/model_file.h"

int main(int argc, char** argv) try {
  if (argc < 2) {
    fmt::print(stderr, "usage: bench_load FILE [ROUNDS]\n");
    return 2;
  }
  const int rounds = argc > 2 ? std::atoi(argv[2]) : 5;
  std::vector<double> seconds;
  tessera::weights::LoadOptions options;
  options.fill.purpose = tessera::weights::Purpose::use;
  for (int i = 0; i < rounds; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    const auto loaded = tessera::weights::load_model(argv[1], options);
    seconds.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  }
  std::sort(seconds.begin(), seconds.end());
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  const double file = static_cast<double>(std::filesystem::file_size(argv[1])) / (1 << 20);
  fmt::print("{}: median {:.3f} s of {} (best {:.3f}), peak {:.0f} MiB, the file has {:.0f}\n", argv[1],
             seconds[seconds.size() / 2], rounds, seconds.front(), static_cast<double>(usage.ru_maxrss) / 1024, file);
} catch (const std::exception& error) {
  fmt::print(stderr, "bench_load: {}\n", error.what());
  return 1;
}
