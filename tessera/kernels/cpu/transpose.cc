#include "tessera/kernels/transpose.h"

#include "tessera/kernels/cpu/loops.h"
#include "tessera/kernels/profile.h"

namespace tessera::kernels {

namespace {
constexpr int64_t kTile = 16;  // rows that are read side by side: a cache line of y for each column
}

void transpose(Context& context, const Transpose& args) {
  const Measured measured(context, [&] { return memory_work("transpose", args.B * args.M * args.N, 2); });
  const int64_t M = args.M, N = args.N;
  parallel_runs(args.B, N, std::max<int64_t>(kMemoryGrain / M, 1), [&](int64_t b, int64_t begin, int64_t end) {
    const float* x = args.x + b * M * N;
    float* y = args.y.data + b * M * N;
    for (int64_t m = 0; m < M; m += kTile) {
      const int64_t rows = std::min(kTile, M - m);
      for (int64_t n = begin; n < end; ++n)
        store_over(rows, y + n * M + m, args.y.accumulate, [&](int64_t i) { return x[(m + i) * N + n]; });
    }
  });
}

}  // namespace tessera::kernels
