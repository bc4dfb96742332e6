// Complex numbers on vectors, once per target. A row is planar: C real parts, then C imaginary ones.
#if defined(TESSERA_KERNELS_CPU_COMPLEX_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef TESSERA_KERNELS_CPU_COMPLEX_INL_H_
#undef TESSERA_KERNELS_CPU_COMPLEX_INL_H_
#else
#define TESSERA_KERNELS_CPU_COMPLEX_INL_H_
#endif

#include "tessera/kernels/cpu/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace tessera::kernels::HWY_NAMESPACE {

struct Complex {
  Vec re, im;
};

template <class Load>
HWY_INLINE Complex LoadComplex(Load load, const float* row, int64_t C) {
  return {load(row), load(row + C)};
}

HWY_INLINE Vec SquaredMagnitude(Complex z) { return hn::MulAdd(z.re, z.re, hn::Mul(z.im, z.im)); }
HWY_INLINE Vec Magnitude(Complex z) { return hn::Sqrt(SquaredMagnitude(z)); }
HWY_INLINE Complex Scaled(Vec a, Complex z) { return {hn::Mul(a, z.re), hn::Mul(a, z.im)}; }
// Re(a·conj(b)): the inner product in the plane.
HWY_INLINE Vec Dot(Complex a, Complex b) { return hn::MulAdd(a.re, b.re, hn::Mul(a.im, b.im)); }

// What OverChannels hands to its body beside the load: writes a vector at p, at the place where the loop is, or adds it
// to what is there.
struct WholeStore {
  int64_t i;
  HWY_INLINE void operator()(Vec v, float* p, bool accumulate = false) const {
    StoreAt(accumulate ? hn::Add(v, WholeLoad{i}(p)) : v, p + i);
  }
};
struct PartStore {
  int64_t i, n;
  HWY_INLINE void operator()(Vec v, float* p, bool accumulate = false) const {
    StoreAt(accumulate ? hn::Add(v, PartLoad{i, n}(p)) : v, p + i, n);
  }
};

// body(load, store) for each vector of channels.
template <class Body>
HWY_INLINE void OverChannels(int64_t C, Body body) {
  const int64_t lanes = LaneCount();
  int64_t c = 0;
  for (; c + lanes <= C; c += lanes) body(WholeLoad{c}, WholeStore{c});
  if (c < C) body(PartLoad{c, C - c}, PartStore{c, C - c});
}

template <class Store>
HWY_INLINE void StoreComplex(Store store, Complex z, float* row, int64_t C, bool accumulate = false) {
  store(z.re, row, accumulate);
  store(z.im, row + C, accumulate);
}

}  // namespace tessera::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
