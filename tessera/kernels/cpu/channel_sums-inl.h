// Two sums of each channel over some pixels, once per target.
#if defined(TESSERA_KERNELS_CPU_CHANNEL_SUMS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef TESSERA_KERNELS_CPU_CHANNEL_SUMS_INL_H_
#undef TESSERA_KERNELS_CPU_CHANNEL_SUMS_INL_H_
#else
#define TESSERA_KERNELS_CPU_CHANNEL_SUMS_INL_H_
#endif

#include <algorithm>

#include "tessera/kernels/cpu/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace tessera::kernels::HWY_NAMESPACE {

// A few pixels are added in float, and their sums in double, since there may be very many.
constexpr int64_t kPixels = 32;

// Sums over the pixels [begin, end) of C channels are added to a and b (C): terms(load, pixel, sum_a, sum_b) adds those
// of one pixel, whose channels it reads through `load`.
template <class Terms>
HWY_INLINE void SumPixels(int64_t begin, int64_t end, int64_t C, double* a, double* b, Terms terms) {
  const F f;
  const int64_t lanes = LaneCount();
  HWY_ALIGN float some_a[hn::MaxLanes(f)], some_b[hn::MaxLanes(f)];
  for (; begin < end; begin += kPixels) {
    const int64_t stop = std::min(begin + kPixels, end);
    for (int64_t c = 0; c < C; c += lanes) {
      const int64_t n = std::min(lanes, C - c);
      Vec sum_a = hn::Zero(f), sum_b = hn::Zero(f);
      const auto run = [&](auto load) {
        for (int64_t p = begin; p < stop; ++p) terms(load, p, sum_a, sum_b);
      };
      n == lanes ? run(WholeLoad{c}) : run(PartLoad{c, n});
      hn::Store(sum_a, f, some_a);
      hn::Store(sum_b, f, some_b);
      for (int64_t i = 0; i < n; ++i) a[c + i] += some_a[i], b[c + i] += some_b[i];
    }
  }
}

}  // namespace tessera::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
