// Elementary functions on vectors, once per target. Include inside a kernel source after hwy/highway.h.
#if defined(TESSERA_KERNELS_CPU_MATH_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef TESSERA_KERNELS_CPU_MATH_INL_H_
#undef TESSERA_KERNELS_CPU_MATH_INL_H_
#else
#define TESSERA_KERNELS_CPU_MATH_INL_H_
#endif

#include <limits>

#include "tessera/kernels/cpu/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace tessera::kernels::HWY_NAMESPACE {

// e^x within 1 ulp, 0 where the result would be below the smallest normal float. NaN gives NaN.
//
// x = n·ln2 + r with n whole and |r| <= ln2/2; e^r = 1 + r + r²·q(r), q of degree 4 with the least relative error
// (3e-9, found by Lawson's iteration); 2^n is added to the exponent.
HWY_INLINE Vec Exp(Vec x) {
  const F f;
  const hn::RebindToSigned<F> i32;
  // Adding 1.5·2^23 rounds to a whole number, which then stands in the lowest bits.
  const Vec rounder = hn::Set(f, 12582912.0f);
  const Vec whole = hn::MulAdd(x, hn::Set(f, 1.44269504f), rounder);
  const Vec n = hn::Sub(whole, rounder);
  // ln2 in two parts, the first short enough that n times it is exact.
  const Vec r = hn::NegMulAdd(n, hn::Set(f, -2.12194440e-4f), hn::NegMulAdd(n, hn::Set(f, 0.693359375f), x));
  Vec q = hn::MulAdd(r, hn::Set(f, 0.001381459878757596f), hn::Set(f, 0.008368716575205326f));
  q = hn::MulAdd(r, q, hn::Set(f, 0.04166838899254799f));
  q = hn::MulAdd(r, q, hn::Set(f, 0.1666652113199234f));
  q = hn::MulAdd(r, q, hn::Set(f, 0.4999999403953552f));
  const Vec power = hn::Add(hn::MulAdd(q, hn::Mul(r, r), r), hn::Set(f, 1.0f));
  const Vec y = hn::BitCast(f, hn::Add(hn::BitCast(i32, power), hn::ShiftLeft<23>(hn::BitCast(i32, whole))));
  const Vec bounded = hn::IfThenZeroElse(hn::Lt(x, hn::Set(f, -87.336544f)), y);
  return hn::IfThenElse(hn::Gt(x, hn::Set(f, 88.722839f)), hn::Set(f, std::numeric_limits<float>::infinity()), bounded);
}

}  // namespace tessera::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
