#include "tessera/kernels/activation.h"

#include <algorithm>

#include "tessera/core/parallel.h"
#include "tessera/kernels/cpu/targets.h"
#include "tessera/kernels/profile.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tessera/kernels/cpu/activation.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "tessera/kernels/cpu/activation-inl.h"

HWY_BEFORE_NAMESPACE();
namespace tessera::kernels::HWY_NAMESPACE {

// x and y from element `begin` on, the beginning of a row.
template <class Function, class X, class Y>
void ScaledRows(Function function, const ActivationForward& a, const X* x, Y* y, int64_t begin, int64_t end) {
  for (int64_t row = begin; row < end; row += a.N, x += a.N, y += a.N) {
    const float* residual = a.residual ? a.residual + row : nullptr;
    StoreOver(a.N, y, false, [&](auto load) {
      const Vec value = hn::Mul(function.Value(load(x)), load(a.scale));
      return residual ? hn::Add(value, load(residual)) : value;
    });
  }
}

void Forward(const ActivationForward& a, int64_t begin, int64_t end) {
  const auto run = [&](auto function, auto* x, auto* y) {
    if (a.scale) return ScaledRows(function, a, x, y, begin, end);
    if (!a.residual) return StoreOver(end - begin, y, false, [&](auto load) { return function.Value(load(x)); });
    const float* residual = a.residual + begin;
    StoreOver(end - begin, y, false, [&](auto load) { return hn::Add(function.Value(load(x)), load(residual)); });
  };
  With(a.activation, [&](auto function) {
    with_pointer(a.x, [&](auto* x) { with_pointer(a.y, [&](auto* y) { run(function, x + begin, y + begin); }); });
  });
}

void Backward(const ActivationBackward& a, int64_t begin, int64_t end) {
  const float* dy = a.dy + begin;
  const auto run = [&](auto function, auto* x, auto* dx) {
    StoreOver(end - begin, dx, a.accumulate, [&](auto load) { return function.Gradient(load(dy), load(x)); });
  };
  With(a.activation, [&](auto function) {
    with_pointer(a.x, [&](auto* x) { with_pointer(a.dx, [&](auto* dx) { run(function, x + begin, dx + begin); }); });
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

void activation_forward(Context& context, const ActivationForward& args) {
  const Measured measured(context, [&] {
    return memory_work(args.activation == Activation::none ? "residual" : "activation", args.n, args.residual ? 3 : 2);
  });
  const int64_t row = args.scale ? args.N : 1;
  parallel_for(args.n / row, std::max<int64_t>(kGrain / row, 1), [&](int64_t begin, int64_t end) {
    HWY_DYNAMIC_DISPATCH(Forward)(args, begin * row, end * row);
  });
}

void activation_backward(Context& context, const ActivationBackward& args) {
  const Measured measured(context, [&] { return memory_work("activation, backward", args.n, 3); });
  parallel_for(args.n, kGrain, [&](int64_t begin, int64_t end) { HWY_DYNAMIC_DISPATCH(Backward)(args, begin, end); });
}

}  // namespace tessera::kernels
#endif  // HWY_ONCE
