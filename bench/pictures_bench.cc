// Times how pictures reach a model, on one core: every file of shared/images/photos as an input of ViT (read, decode,
// resize to 256, crop to 224, normalise), and the loader with the augmentation of recipes/cifar10_vit.toml. photos.py
// sets the photos against Pillow.
//
//   TESSERA_DATA=… taskset -c 0 build/release/bin/bench_pictures
#include <benchmark/benchmark.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tessera/core/allocator.h"
#include "tessera/data/batches.h"
#include "tessera/data/open.h"
#include "tessera/image/decode.h"
#include "tessera/image/preprocess.h"
#include "tests/support.h"

namespace tessera {
namespace {

namespace fs = std::filesystem;

void time_photo(benchmark::State& state, const fs::path& path) {
  const image::Preprocess how;
  std::vector<float> out(static_cast<size_t>(how.height * how.width * how.channels));
  for (auto _ : state) {
    const image::Picture picture =
        image::decode_file(path, {.orientation = image::Orientation::ignore, .need = image::need_of(how)});
    image::normalise(image::fit(picture, how), how, image::Layout::nhwc, out.data());
    benchmark::DoNotOptimize(out.data());
  }
}

void time_loader(benchmark::State& state, const std::shared_ptr<const data::DataSet>& set) {
  data::LoaderOptions options;
  options.batch = 64;
  options.augmentation.flip = 0.5;
  options.augmentation.crop_padding = 4;
  options.preprocess.height = options.preprocess.width = 32;
  options.preprocess.crop_pct = 1;
  data::Loader loader(set, options);
  int64_t pictures = 0;
  for (auto _ : state) pictures += loader.next()->size();
  state.counters["pictures/s"] = benchmark::Counter(static_cast<double>(pictures), benchmark::Counter::kIsRate);
}

void register_photos(const fs::path& folder) {
  std::vector<fs::path> files(fs::directory_iterator(folder), {});
  std::sort(files.begin(), files.end());
  for (const fs::path& file : files) {
    benchmark::RegisterBenchmark(("photo/" + file.filename().string()).c_str(),
                                 [file](auto& state) { time_photo(state, file); })
        ->Unit(benchmark::kMillisecond)
        ->UseRealTime();
  }
}

}  // namespace
}  // namespace tessera

int main(int argc, char** argv) {
  using namespace tessera;
  keep_freed_memory();  // as the tool does
  if (const auto folder = test::shared_path("images/photos")) register_photos(*folder);
  if (const auto folder = test::data_path("cifar-10-batches-bin")) {
    const std::shared_ptr<const data::DataSet> set = data::open_data(folder->string()).train;
    benchmark::RegisterBenchmark("loader/cifar10_vit", [set](auto& state) { time_loader(state, set); })
        ->Unit(benchmark::kMillisecond)
        ->UseRealTime();
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
