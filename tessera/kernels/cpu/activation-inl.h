// The activation functions on vectors, once per target.
#if defined(TESSERA_KERNELS_CPU_ACTIVATION_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef TESSERA_KERNELS_CPU_ACTIVATION_INL_H_
#undef TESSERA_KERNELS_CPU_ACTIVATION_INL_H_
#else
#define TESSERA_KERNELS_CPU_ACTIVATION_INL_H_
#endif

#include "tessera/kernels/activation.h"
#include "tessera/kernels/cpu/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace tessera::kernels::HWY_NAMESPACE {

// (1 + tanh u) / 2 is σ(2u), and the logistic form loses no digits where the result is small.
constexpr float kTwoRootTwoOverPi = 1.59576912f;  // 2·√(2/π)
constexpr float kCubic = 0.044715f;

HWY_INLINE Logistic GeluTanhGate(Vec x) {
  const F f;
  const auto inner = hn::MulAdd(hn::Mul(x, x), hn::Set(f, kTwoRootTwoOverPi * kCubic), hn::Set(f, kTwoRootTwoOverPi));
  return LogisticAt(hn::Mul(x, inner));
}

// Not Max(x, 0), which would turn a NaN into 0.
struct Relu {
  static HWY_INLINE Vec Value(Vec x) { return hn::IfThenZeroElse(hn::Lt(x, hn::Zero(F())), x); }
  static HWY_INLINE Vec Gradient(Vec dy, Vec x) { return hn::IfThenZeroElse(hn::Le(x, hn::Zero(F())), dy); }
};

struct GeluErf {
  static HWY_INLINE Vec Value(Vec x) { return hn::Mul(x, NormalAt(x).cumulative); }
  static HWY_INLINE Vec Gradient(Vec dy, Vec x) {
    const Normal normal = NormalAt(x);
    return hn::Mul(dy, hn::MulAdd(x, normal.density, normal.cumulative));
  }
};

// Within 2e-4, for what is rounded to a few bits anyway: Φ(x) = 1/2 + x·p(x²) on [-4, 4], p of degree 6.
struct RoughGeluErf {
  static HWY_INLINE Vec Value(Vec x) {
    const F f;
    const Vec inner = hn::Clamp(x, hn::Set(f, -4.0f), hn::Set(f, 4.0f));
    const Vec p = Polynomial(hn::Mul(inner, inner), 0.39788333f, -0.064573057f, 0.0087723658f, -0.00081401109f,
                             4.7955094e-05f, -1.5985822e-06f, 2.2781069e-08f);
    const Vec y = hn::Mul(x, hn::MulAdd(inner, p, hn::Set(f, 0.5f)));
    return hn::IfThenZeroElse(hn::Lt(x, hn::Set(f, -4.0f)), y);
  }
};

struct GeluTanh {
  static HWY_INLINE Vec Value(Vec x) { return hn::Mul(x, GeluTanhGate(x).value); }
  static HWY_INLINE Vec Gradient(Vec dy, Vec x) {
    const F f;
    const Logistic gate = GeluTanhGate(x);
    const auto inner_slope =
        hn::MulAdd(hn::Mul(x, x), hn::Set(f, 3 * kTwoRootTwoOverPi * kCubic), hn::Set(f, kTwoRootTwoOverPi));
    return hn::Mul(dy, hn::MulAdd(hn::Mul(x, inner_slope), gate.slope, gate.value));
  }
};

struct HyperbolicTangent {
  static HWY_INLINE Vec Value(Vec x) { return Tanh(x); }
  static HWY_INLINE Vec Gradient(Vec dy, Vec x) {
    const auto t = Tanh(x);
    return hn::NegMulAdd(hn::Mul(t, t), dy, dy);
  }
};

struct Sigmoid {
  static HWY_INLINE Vec Value(Vec x) { return LogisticAt(x).value; }
  static HWY_INLINE Vec Gradient(Vec dy, Vec x) { return hn::Mul(dy, LogisticAt(x).slope); }
};

struct Silu {
  static HWY_INLINE Vec Value(Vec x) { return hn::Mul(x, LogisticAt(x).value); }
  static HWY_INLINE Vec Gradient(Vec dy, Vec x) {
    const Logistic gate = LogisticAt(x);
    return hn::Mul(dy, hn::MulAdd(x, gate.slope, gate.value));
  }
};

struct Relu6 {
  static HWY_INLINE Vec Value(Vec x) {
    const Vec six = hn::Set(F(), 6.0f);
    return hn::IfThenElse(hn::Gt(x, six), six, Relu::Value(x));
  }
  static HWY_INLINE Vec Gradient(Vec dy, Vec x) {
    return hn::IfThenZeroElse(hn::Or(hn::Le(x, hn::Zero(F())), hn::Ge(x, hn::Set(F(), 6.0f))), dy);
  }
};

struct HardSwish {
  static HWY_INLINE Vec Value(Vec x) {
    return hn::Mul(x, hn::Mul(Relu6::Value(hn::Add(x, hn::Set(F(), 3.0f))), hn::Set(F(), 1.0f / 6)));
  }
  static HWY_INLINE Vec Gradient(Vec dy, Vec x) {
    const F f;
    const Vec inner = hn::MulAdd(x, hn::Set(f, 1.0f / 3), hn::Set(f, 0.5f));  // (2x + 3) / 6
    const Vec slope = hn::IfThenElse(hn::Ge(x, hn::Set(f, 3.0f)), hn::Set(f, 1.0f), inner);
    return hn::IfThenZeroElse(hn::Le(x, hn::Set(f, -3.0f)), hn::Mul(dy, slope));
  }
};

struct Identity {
  static HWY_INLINE Vec Value(Vec x) { return x; }
  static HWY_INLINE Vec Gradient(Vec dy, Vec) { return dy; }
};

// Calls f with the function that the name stands for.
template <class Function>
void With(Activation activation, Function f) {
  switch (activation) {
    case Activation::none:
      return f(Identity());
    case Activation::relu:
      return f(Relu());
    case Activation::gelu_erf:
      return f(GeluErf());
    case Activation::gelu_tanh:
      return f(GeluTanh());
    case Activation::tanh:
      return f(HyperbolicTangent());
    case Activation::sigmoid:
      return f(Sigmoid());
    case Activation::silu:
      return f(Silu());
    case Activation::relu6:
      return f(Relu6());
    case Activation::hard_swish:
      return f(HardSwish());
  }
}

}  // namespace tessera::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
