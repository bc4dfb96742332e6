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

// The coefficients below are minimax fits: weighted least squares, the weights iterated.

// c0 + c1·x + c2·x² + …
template <class... Rest>
HWY_INLINE Vec Polynomial(Vec x, float c, Rest... rest) {
  if constexpr (sizeof...(rest) == 0) {
    return hn::Set(F(), c);
  } else {
    return hn::MulAdd(x, Polynomial(x, rest...), hn::Set(F(), c));
  }
}

// tanh x to 3 units in the last place.
HWY_INLINE Vec Tanh(Vec x) {
  const F f;
  const auto one = hn::Set(f, 1.0f);
  const auto z = hn::Abs(x);
  const auto square = hn::Mul(x, x);
  const auto p = Polynomial(square, -0.333332819f, 0.133314422f, -0.0537397145f, 0.0206390854f, -0.00570498493f);
  const auto small = hn::MulAdd(hn::Mul(square, x), p, x);
  const auto large = hn::Sub(one, hn::Div(hn::Set(f, 2.0f), hn::Add(Exp(hn::Add(z, z)), one)));
  return hn::IfThenElse(hn::Lt(z, hn::Set(f, 0.625f)), small, hn::CopySign(large, x));
}

// The logistic function σ(x) = 1 / (1 + e^-x) and its slope, exact also where they are tiny.
struct Logistic {
  Vec value;
  Vec slope;  // σ(x)·(1 - σ(x))
};
HWY_INLINE Logistic LogisticAt(Vec x) {
  const F f;
  const auto one = hn::Set(f, 1.0f);
  const auto e = Exp(hn::Neg(hn::Abs(x)));
  const auto near_one = hn::Div(one, hn::Add(one, e));  // σ(|x|)
  const auto near_zero = hn::Mul(e, near_one);
  return {hn::IfThenElse(hn::Lt(x, hn::Zero(f)), near_zero, near_one), hn::Mul(near_one, near_zero)};
}

// The normal distribution, exact also where it is tiny: with z = |x| its tail is e^(-z²/2)·R(z), and R is smooth in
// 1 / (1 + 0.3·z). R's relative error is 6e-8.
struct Normal {
  Vec cumulative;  // Φ(x) = (1 + erf(x / √2)) / 2
  Vec density;     // φ(x) = e^(-x²/2) / √(2π)
};
HWY_INLINE Normal NormalAt(Vec x) {
  const F f;
  const auto one = hn::Set(f, 1.0f);
  const auto t = hn::Div(one, hn::MulAdd(hn::Abs(x), hn::Set(f, 0.3f), one));
  const auto bell = Exp(hn::Mul(hn::Mul(x, x), hn::Set(f, -0.5f)));
  const auto tail = hn::Mul(bell, Polynomial(t, 6.85293038e-06f, 0.119493064f, 0.121882055f, 0.0948329775f,
                                             0.142185053f, -0.0759995779f, 0.228217283f, -0.168951941f, 0.0383342624f));
  const auto negative = hn::Lt(x, hn::Zero(f));
  return {hn::IfThenElse(negative, tail, hn::Sub(one, tail)), hn::Mul(bell, hn::Set(f, 0.398942280f))};
}

}  // namespace tessera::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
