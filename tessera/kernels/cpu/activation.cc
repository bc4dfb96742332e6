#include "tessera/kernels/activation.h"

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

void activation_forward(Context& context, const ActivationForward& args) {
  const Measured measured(context, [&] {
    return memory_work(args.activation == Activation::none ? "residual" : "activation", args.n, args.residual ? 3 : 2);
  });
  parallel_for(args.n, kGrain, [&](int64_t begin, int64_t end) { HWY_DYNAMIC_DISPATCH(Forward)(args, begin, end); });
}

void activation_backward(Context& context, const ActivationBackward& args) {
  const Measured measured(context, [&] { return memory_work("activation, backward", args.n, 3); });
  parallel_for(args.n, kGrain, [&](int64_t begin, int64_t end) { HWY_DYNAMIC_DISPATCH(Backward)(args, begin, end); });
}

}  // namespace tessera::kernels
#endif  // HWY_ONCE
