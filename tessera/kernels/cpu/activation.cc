#include "tessera/kernels/activation.h"

#include "tessera/core/parallel.h"
#include "tessera/kernels/cpu/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tessera/kernels/cpu/activation.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

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
  }
}

void Forward(const ActivationForward& a, int64_t begin, int64_t end) {
  const float* x = a.x + begin;
  float* y = a.y + begin;
  With(a.activation, [&](auto function) {
    if (!a.residual) return StoreOver(end - begin, y, false, [&](auto load) { return function.Value(load(x)); });
    const float* residual = a.residual + begin;
    StoreOver(end - begin, y, false, [&](auto load) { return hn::Add(function.Value(load(x)), load(residual)); });
  });
}

void Backward(const ActivationBackward& a, int64_t begin, int64_t end) {
  const float* x = a.x + begin;
  const float* dy = a.dy + begin;
  With(a.activation, [&](auto function) {
    StoreOver(end - begin, a.dx.data + begin, a.dx.accumulate,
              [&](auto load) { return function.Gradient(load(dy), load(x)); });
  });
}

}  // namespace tessera::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tessera::kernels {

HWY_EXPORT(Forward);
HWY_EXPORT(Backward);

namespace {
constexpr int64_t kGrain = 8192;  // elements per piece at least
}

void activation_forward(Context&, const ActivationForward& args) {
  parallel_for(args.n, kGrain, [&](int64_t begin, int64_t end) { HWY_DYNAMIC_DISPATCH(Forward)(args, begin, end); });
}

void activation_backward(Context&, const ActivationBackward& args) {
  parallel_for(args.n, kGrain, [&](int64_t begin, int64_t end) { HWY_DYNAMIC_DISPATCH(Backward)(args, begin, end); });
}

}  // namespace tessera::kernels
#endif  // HWY_ONCE
