#include "tessera/kernels/scale_channels.h"

#include "tessera/kernels/cpu/loops.h"
#include "tessera/kernels/cpu/targets.h"
#include "tessera/kernels/profile.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tessera/kernels/cpu/scale_channels.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "tessera/kernels/cpu/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace tessera::kernels::HWY_NAMESPACE {

// out = x · gate on the pixels [begin, end) of a sample, or added to what is there.
void Gate(const float* x, const float* gate, int64_t begin, int64_t end, int64_t C, float* out, bool accumulate) {
  for (int64_t pixel = begin; pixel < end; ++pixel)
    StoreOver(C, out + pixel * C, accumulate, [&](auto load) { return hn::Mul(load(x + pixel * C), load(gate)); });
}

}  // namespace tessera::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tessera::kernels {

HWY_EXPORT(Gate);

namespace {

// out[b, p, c] = x[b, p, c] · gate[b, c]
void apply_gate(const float* x, const float* gate, const Grad& out, int64_t B, int64_t P, int64_t C) {
  parallel_runs(B, P, std::max<int64_t>(kMemoryGrain / C, 1), [&](int64_t b, int64_t begin, int64_t end) {
    HWY_DYNAMIC_DISPATCH(Gate)(x + b * P * C, gate + b * C, begin, end, C, out.data + b * P * C, out.accumulate);
  });
}

}  // namespace

void scale_channels_forward(Context& context, const ScaleChannelsForward& a) {
  const Measured measured(context, [&] { return memory_work("gate", a.B * a.P * a.C, 2); });
  apply_gate(a.x, a.gate, {a.y}, a.B, a.P, a.C);
}

void scale_channels_backward(Context& context, const ScaleChannelsBackward& a) {
  const Measured measured(context, [&] { return memory_work("gate, backward", a.B * a.P * a.C, a.dgate ? 4 : 2); });
  if (a.dgate)
    parallel_runs(a.B, a.C, std::max<int64_t>(kMemoryGrain / a.P, 16), [&](int64_t b, int64_t begin, int64_t end) {
      std::vector<float> sums(static_cast<size_t>(end - begin));
      for (int64_t pixel = b * a.P; pixel < (b + 1) * a.P; ++pixel) {
        const float *x = a.x + pixel * a.C + begin, *dy = a.dy + pixel * a.C + begin;
        store_over(end - begin, sums.data(), true, [&](int64_t c) { return dy[c] * x[c]; });
      }
      store_over(end - begin, a.dgate.data + b * a.C + begin, a.dgate.accumulate,
                 [&](int64_t c) { return sums[static_cast<size_t>(c)]; });
    });
  if (a.dx) apply_gate(a.dy, a.gate, a.dx, a.B, a.P, a.C);
}

}  // namespace tessera::kernels
#endif  // HWY_ONCE
