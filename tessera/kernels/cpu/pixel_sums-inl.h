// Sums over pixels of each channel on vectors, once per target: what normalisation over the batch counts.
#if defined(TESSERA_KERNELS_CPU_PIXEL_SUMS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef TESSERA_KERNELS_CPU_PIXEL_SUMS_INL_H_
#undef TESSERA_KERNELS_CPU_PIXEL_SUMS_INL_H_
#else
#define TESSERA_KERNELS_CPU_PIXEL_SUMS_INL_H_
#endif

#include <algorithm>

#include "tessera/kernels/cpu/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace tessera::kernels::HWY_NAMESPACE {

constexpr int64_t kPixels = 32;  // whose sums are in float

// Adds N sums over the pixels [begin, end) to the first C of each row of `sums` (N, stride): those of a few pixels in
// float, and these in double, since there may be very many pixels. terms(load, pixel, some) adds the terms of one pixel
// to some[0] … some[N - 1].
template <int N, class Terms>
HWY_INLINE void SumPixels(int64_t begin, int64_t end, int64_t C, int64_t stride, double* sums, Terms terms) {
  const F f;
  const int64_t lanes = LaneCount();
  HWY_ALIGN float each[hn::MaxLanes(f)];
  for (; begin < end; begin += kPixels) {
    const int64_t stop = std::min(begin + kPixels, end);
    for (int64_t c = 0; c < C; c += lanes) {
      const int64_t n = std::min(lanes, C - c);
      Vec some[N];
      for (Vec& sum : some) sum = hn::Zero(f);
      const auto run = [&](auto load) {
        for (int64_t p = begin; p < stop; ++p) terms(load, p, some);
      };
      n == lanes ? run(WholeLoad{c}) : run(PartLoad{c, n});
      for (int s = 0; s < N; ++s) {
        hn::Store(some[s], f, each);
        for (int64_t i = 0; i < n; ++i) sums[s * stride + c + i] += each[i];
      }
    }
  }
}

}  // namespace tessera::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
