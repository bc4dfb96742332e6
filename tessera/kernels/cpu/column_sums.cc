#include "tessera/kernels/column_sums.h"

#include <algorithm>

#include "tessera/kernels/cpu/loops.h"
#include "tessera/kernels/cpu/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tessera/kernels/cpu/column_sums.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "tessera/kernels/cpu/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace tessera::kernels::HWY_NAMESPACE {

// sums += Σ x. Eight rows at a time: the sums stay in the first-level cache, and rounding errors grow with an eighth of
// the rows.
void SumRows(const float* x, int64_t rows, int64_t N, float* sums) {
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
  const int64_t N = args.N;
  const int64_t grain = std::max<int64_t>(kMemoryGrain / N, 8);  // rows per piece at least
  PartialSums sums(args.sums, N, parallel_pieces(args.rows, grain));
  parallel_for_pieces(args.rows, grain, [&](int piece, int64_t begin, int64_t end) {
    HWY_DYNAMIC_DISPATCH(SumRows)(args.x + begin * N, end - begin, N, sums.of(piece));
  });
  sums.gather();
}

}  // namespace tessera::kernels
#endif  // HWY_ONCE
