#include "tessera/kernels/column_sums.h"

#include <algorithm>

#include "tessera/core/parallel.h"
#include "tessera/kernels/cpu/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tessera/kernels/cpu/column_sums.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "tessera/kernels/cpu/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace tessera::kernels::HWY_NAMESPACE {

// Eight rows at a time: the sums stay in the first-level cache, and rounding errors grow with an eighth of the rows.
void SumRows(const float* x, int64_t rows, int64_t N, float* sums) {
  std::fill_n(sums, N, 0.0f);
  int64_t r = 0;
  for (; r + 8 <= rows; r += 8) {
    const float* row = x + r * N;
    StoreOver(N, sums, true, [&](auto load) {
      const auto pair = [&](int64_t i) { return hn::Add(load(row + i * N), load(row + (i + 1) * N)); };
      return hn::Add(hn::Add(pair(0), pair(2)), hn::Add(pair(4), pair(6)));
    });
  }
  for (; r < rows; ++r) StoreOver(N, sums, true, [&](auto load) { return load(x + r * N); });
}

}  // namespace tessera::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tessera::kernels {

HWY_EXPORT(SumRows);

void column_sums(Context&, const ColumnSums& args) {
  // Each piece sums its rows; the pieces are added in order, so the bits do not depend on timing.
  const int64_t N = args.N;
  const int64_t grain = std::max<int64_t>(32768 / std::max<int64_t>(N, 1), 8);  // rows per piece at least
  const int pieces = parallel_pieces(args.rows, grain);
  const auto partial = allocate(static_cast<size_t>(pieces * N) * sizeof(float));
  float* sums = reinterpret_cast<float*>(partial.get());  // (pieces, N)
  parallel_for_pieces(args.rows, grain, [&](int piece, int64_t begin, int64_t end) {
    HWY_DYNAMIC_DISPATCH(SumRows)(args.x + begin * N, end - begin, N, sums + piece * N);
  });
  for (int64_t j = 0; j < N; ++j) {
    float sum = args.sums.accumulate ? args.sums.data[j] : 0.0f;
    for (int piece = 0; piece < pieces; ++piece) sum += sums[piece * N + j];
    args.sums.data[j] = sum;
  }
}

}  // namespace tessera::kernels
#endif  // HWY_ONCE
