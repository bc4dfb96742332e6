#include "tessera/core/parallel.h"

#include <omp.h>

#include <algorithm>

namespace tessera {

int num_threads() { return omp_get_max_threads(); }

void set_num_threads(int threads) { omp_set_num_threads(std::max(threads, 1)); }

bool in_parallel() { return omp_in_parallel() != 0; }

int parallel_pieces(int64_t n, int64_t grain) {
  if (in_parallel()) return 1;
  const int64_t most = std::max<int64_t>(n / std::max<int64_t>(grain, 1), 1);
  return static_cast<int>(std::min<int64_t>(most, num_threads()));
}

void parallel_for_pieces(int64_t n, int64_t grain, const std::function<void(int, int64_t, int64_t)>& body) {
  if (n <= 0) return;
  const int pieces = parallel_pieces(n, grain);
  if (pieces == 1) return body(0, 0, n);
  std::exception_ptr error;
#pragma omp parallel for num_threads(pieces) schedule(static, 1)
  for (int piece = 0; piece < pieces; ++piece) {
    try {
      body(piece, n * piece / pieces, n * (piece + 1) / pieces);
    } catch (...) {
#pragma omp critical(tessera_parallel_error)
      error = std::current_exception();
    }
  }
  if (error) std::rethrow_exception(error);
}

void parallel_for(int64_t n, int64_t grain, const std::function<void(int64_t, int64_t)>& body) {
  parallel_for_pieces(n, grain, [&](int, int64_t begin, int64_t end) { body(begin, end); });
}

}  // namespace tessera
