#include "tessera/kernels/complex_activation.h"

#include "tessera/kernels/cpu/pixel_sums.h"
#include "tessera/kernels/cpu/targets.h"
#include "tessera/kernels/profile.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tessera/kernels/cpu/complex_activation.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "tessera/kernels/cpu/complex-inl.h"
#include "tessera/kernels/cpu/pixel_sums-inl.h"

HWY_BEFORE_NAMESPACE();
namespace tessera::kernels::HWY_NAMESPACE {

// Each function: Value(load, z), Gradient(load, dy, z), and Terms(load, dy, z, some), which adds what the gradients of
// its parameters sum over the pixels. Conditions are written so that a NaN stays one.

struct ModRelu {
  const float* b;

  struct Polar {
    Vec inverse;  // 1 / |z|
    Vec gate;     // 1 + b / |z|
    hn::Mask<F> dead;
  };
  template <class Load>
  HWY_INLINE Polar At(Load load, Complex z) const {
    const F f;
    const Vec magnitude = Magnitude(z), shifted = hn::Add(magnitude, load(b));
    const Vec inverse = hn::Div(hn::Set(f, 1.0f), magnitude);
    return {inverse, hn::Mul(shifted, inverse), hn::Or(hn::Le(shifted, hn::Zero(f)), hn::Eq(magnitude, hn::Zero(f)))};
  }
  template <class Load>
  HWY_INLINE Complex Value(Load load, Complex z) const {
    const Polar polar = At(load, z);
    return Scaled(hn::IfThenZeroElse(polar.dead, polar.gate), z);
  }
  template <class Load>
  HWY_INLINE Complex Gradient(Load load, Complex dy, Complex z) const {
    const Polar polar = At(load, z);
    const Complex u = Scaled(polar.inverse, z);
    const Vec radial = hn::Mul(hn::Mul(load(b), polar.inverse), Dot(dy, u));
    return {hn::IfThenZeroElse(polar.dead, hn::NegMulAdd(radial, u.re, hn::Mul(polar.gate, dy.re))),
            hn::IfThenZeroElse(polar.dead, hn::NegMulAdd(radial, u.im, hn::Mul(polar.gate, dy.im)))};
  }
  template <class Load>
  HWY_INLINE void Terms(Load load, Complex dy, Complex z, Vec* some) const {
    const Polar polar = At(load, z);
    some[0] = hn::Add(some[0], hn::IfThenZeroElse(polar.dead, hn::Mul(polar.inverse, Dot(dy, z))));
  }
};

struct ZRelu {
  static HWY_INLINE hn::Mask<F> Dead(Complex z) {
    return hn::Or(hn::Lt(z.re, hn::Zero(F())), hn::Lt(z.im, hn::Zero(F())));
  }
  template <class Load>
  HWY_INLINE Complex Value(Load, Complex z) const {
    return {hn::IfThenZeroElse(Dead(z), z.re), hn::IfThenZeroElse(Dead(z), z.im)};
  }
  template <class Load>
  HWY_INLINE Complex Gradient(Load, Complex dy, Complex z) const {
    return {hn::IfThenZeroElse(Dead(z), dy.re), hn::IfThenZeroElse(Dead(z), dy.im)};
  }
  template <class Load>
  HWY_INLINE void Terms(Load, Complex, Complex, Vec*) const {}
};

struct Cardioid {
  static HWY_INLINE Complex Unit(Complex z) {  // cos θ, sin θ; 0 at 0
    const F f;
    const Vec magnitude = Magnitude(z);
    const auto zero = hn::Eq(magnitude, hn::Zero(f));
    return Scaled(hn::IfThenZeroElse(zero, hn::Div(hn::Set(f, 1.0f), magnitude)), z);
  }
  static HWY_INLINE Vec Gate(Complex u) {
    const Vec half = hn::Set(F(), 0.5f);
    return hn::MulAdd(half, u.re, half);
  }
  template <class Load>
  HWY_INLINE Complex Value(Load, Complex z) const {
    return Scaled(Gate(Unit(z)), z);
  }
  template <class Load>
  HWY_INLINE Complex Gradient(Load, Complex dy, Complex z) const {
    const Complex u = Unit(z);
    const Vec gate = hn::IfThenZeroElse(hn::Eq(SquaredMagnitude(u), hn::Zero(F())), Gate(u));
    const Vec turn = hn::Mul(hn::Mul(hn::Set(F(), 0.5f), Dot(dy, u)), u.im);
    return {hn::MulAdd(turn, u.im, hn::Mul(gate, dy.re)), hn::NegMulAdd(turn, u.re, hn::Mul(gate, dy.im))};
  }
  template <class Load>
  HWY_INLINE void Terms(Load, Complex, Complex, Vec*) const {}
};

struct CPRelu {
  Vec a, b;
  static HWY_INLINE Vec Below(Vec x, Vec slope, Vec value) {  // slope·value where x < 0, else value
    return hn::IfThenElse(hn::Lt(x, hn::Zero(F())), hn::Mul(slope, value), value);
  }
  static HWY_INLINE Vec Negative(Vec x) { return hn::Min(x, hn::Zero(F())); }
  template <class Load>
  HWY_INLINE Complex Value(Load, Complex z) const {
    return {Below(z.re, a, z.re), Below(z.im, b, z.im)};
  }
  template <class Load>
  HWY_INLINE Complex Gradient(Load, Complex dy, Complex z) const {
    return {Below(z.re, a, dy.re), Below(z.im, b, dy.im)};
  }
  template <class Load>
  HWY_INLINE void Terms(Load, Complex dy, Complex z, Vec* some) const {
    some[0] = hn::MulAdd(dy.re, Negative(z.re), some[0]);
    some[1] = hn::MulAdd(dy.im, Negative(z.im), some[1]);
  }
};

template <class Call>
void WithFunction(ComplexActivation activation, const float* parameter, Call call) {
  switch (activation) {
    case ComplexActivation::modrelu:
      return call(ModRelu{parameter});
    case ComplexActivation::zrelu:
      return call(ZRelu());
    case ComplexActivation::cardioid:
      return call(Cardioid());
    case ComplexActivation::cprelu:
      return call(CPRelu{hn::Set(F(), parameter[0]), hn::Set(F(), parameter[1])});
  }
}

void Forward(const ComplexActivationForward& a, int64_t begin, int64_t end) {
  WithFunction(a.activation, a.parameter, [&](auto function) {
    for (int64_t row = begin * 2 * a.C; row < end * 2 * a.C; row += 2 * a.C) {
      OverChannels(a.C, [&](auto load, auto store) {
        StoreComplex(store, function.Value(load, LoadComplex(load, a.x + row, a.C)), a.y + row, a.C);
      });
    }
  });
}

void Backward(const ComplexActivationBackward& a, int64_t begin, int64_t end) {
  WithFunction(a.activation, a.parameter, [&](auto function) {
    for (int64_t row = begin * 2 * a.C; row < end * 2 * a.C; row += 2 * a.C) {
      OverChannels(a.C, [&](auto load, auto store) {
        const Complex dx =
            function.Gradient(load, LoadComplex(load, a.dy + row, a.C), LoadComplex(load, a.x + row, a.C));
        StoreComplex(store, dx, a.dx.data + row, a.C, a.dx.accumulate);
      });
    }
  });
}

void SumParameters(const ComplexActivationBackward& a, int64_t begin, int64_t end, double* sums) {
  WithFunction(a.activation, a.parameter, [&](auto function) {
    SumPixels<2>(begin, end, a.C, a.C, sums, [&](auto load, int64_t pixel, Vec* some) {
      const int64_t row = pixel * 2 * a.C;
      function.Terms(load, LoadComplex(load, a.dy + row, a.C), LoadComplex(load, a.x + row, a.C), some);
    });
  });
}

}  // namespace tessera::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tessera::kernels {

HWY_EXPORT(Forward);
HWY_EXPORT(Backward);
HWY_EXPORT(SumParameters);

void complex_activation_forward(Context& context, const ComplexActivationForward& args) {
  const Measured measured(context, [&] { return memory_work("complex activation", 2 * args.P * args.C, 2); });
  parallel_for(args.P, pixel_grain(2 * args.C), [&](int64_t begin, int64_t end) {
    HWY_DYNAMIC_DISPATCH(Forward)(args, begin, end);
  });
}

void complex_activation_backward(Context& context, const ComplexActivationBackward& args) {
  const Measured measured(context, [&] { return memory_work("complex activation, backward", 2 * args.P * args.C, 3); });
  if (args.dx)
    parallel_for(args.P, pixel_grain(2 * args.C), [&](int64_t begin, int64_t end) {
      HWY_DYNAMIC_DISPATCH(Backward)(args, begin, end);
    });
  if (!args.dparameter) return;
  const PixelSums<2> sums(args.P, args.C, [&](int64_t begin, int64_t end, double* some) {
    HWY_DYNAMIC_DISPATCH(SumParameters)(args, begin, end, some);
  });
  if (args.activation == ComplexActivation::modrelu) return sums.store(0, args.dparameter);
  store_over(2, args.dparameter.data, args.dparameter.accumulate, [&](int64_t part) {
    double sum = 0;
    for (int64_t c = 0; c < args.C; ++c) sum += sums(static_cast<int>(part), c);
    return static_cast<float>(sum);
  });
}

}  // namespace tessera::kernels
#endif  // HWY_ONCE
