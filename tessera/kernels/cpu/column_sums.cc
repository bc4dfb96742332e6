#include "tessera/kernels/column_sums.h"

#include <algorithm>

#include "tessera/kernels/cpu/loops.h"
#include "tessera/kernels/cpu/row_sums.h"
#include "tessera/kernels/cpu/targets.h"
#include "tessera/kernels/profile.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tessera/kernels/cpu/column_sums.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "tessera/kernels/cpu/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace tessera::kernels::HWY_NAMESPACE {

// sums += Σ x. Eight rows at a time: the sums stay in the first-level cache, and rounding errors grow with an eighth of
// the rows.
template <class T>
void SumRowsOf(const T* x, int64_t rows, int64_t stride, int64_t N, float* sums) {
  int64_t r = 0;
  for (; r + 8 <= rows; r += 8) {
    const T* row = x + r * stride;
    StoreOver(N, sums, true, [&](auto load) {
      const auto pair = [&](int64_t i) { return hn::Add(load(row + i * stride), load(row + (i + 1) * stride)); };
      return hn::Add(hn::Add(pair(0), pair(2)), hn::Add(pair(4), pair(6)));
    });
  }
  for (; r < rows; ++r) StoreOver(N, sums, true, [&](auto load) { return load(x + r * stride); });
}

// Of the elements from `first` on.
void SumRows(ConstElements x, int64_t first, int64_t rows, int64_t stride, int64_t N, float* sums) {
  with_pointer(x, [&](auto* p) { SumRowsOf(p + first, rows, stride, N, sums); });
}

}  // namespace tessera::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tessera::kernels {

HWY_EXPORT(SumRows);

void add_rows(const float* x, int64_t rows, int64_t stride, int64_t N, float* sums) {
  HWY_DYNAMIC_DISPATCH(SumRows)(ConstElements(x), 0, rows, stride, N, sums);
}

namespace {

constexpr int64_t kColumns = 2048;  // whose sums stay in the first-level cache

// Threads share the columns.
void sum_wide(const ColumnSums& args) {
  const int64_t grain = std::max<int64_t>(kMemoryGrain / args.rows, kColumns);
  parallel_for(args.N, grain, [&](int64_t begin, int64_t end) {
    for (; begin < end; begin += kColumns) {
      const int64_t count = std::min(kColumns, end - begin);
      float* sums = args.sums.data + begin;
      if (!args.sums.accumulate) std::fill_n(sums, count, 0.0f);
      HWY_DYNAMIC_DISPATCH(SumRows)(args.x, begin, args.rows, args.stride, count, sums);
    }
  });
}

// Threads share the rows.
void sum_narrow(const ColumnSums& args) {
  const int64_t grain = std::max<int64_t>(kMemoryGrain / args.N, 8);
  PartialSums sums(args.sums, args.N, parallel_pieces(args.rows, grain));
  parallel_for_pieces(args.rows, grain, [&](int piece, int64_t begin, int64_t end) {
    HWY_DYNAMIC_DISPATCH(SumRows)(args.x, begin * args.stride, end - begin, args.stride, args.N, sums.of(piece));
  });
  sums.gather();
}

}  // namespace

void column_sums(Context& context, const ColumnSums& args) {
  const Measured measured(context, [&] { return memory_work("column sums", args.rows * args.N, 1); });
  if (args.N > 8 * kColumns) {
    sum_wide(args);
  } else {
    sum_narrow(args);
  }
}

}  // namespace tessera::kernels
#endif  // HWY_ONCE
