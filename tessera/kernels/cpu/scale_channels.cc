#include "tessera/kernels/scale_channels.h"

#include "tessera/kernels/cpu/loops.h"
#include "tessera/kernels/profile.h"

namespace tessera::kernels {

namespace {

// Calls body(b, pixel of all, …) in parallel on pixels.
template <class Body>
void for_pixels(int64_t B, int64_t P, int64_t C, const Body& body) {
  parallel_runs(B, P, std::max<int64_t>(kMemoryGrain / C, 1), [&](int64_t b, int64_t begin, int64_t end) {
    for (int64_t pixel = b * P + begin; pixel < b * P + end; ++pixel) body(b, pixel);
  });
}

}  // namespace

void scale_channels_forward(Context& context, const ScaleChannelsForward& a) {
  const Measured measured(context, [&] { return memory_work("gate", a.B * a.P * a.C, 2); });
  for_pixels(a.B, a.P, a.C, [&](int64_t b, int64_t pixel) {
    const float *x = a.x + pixel * a.C, *gate = a.gate + b * a.C;
    store_over(a.C, a.y + pixel * a.C, false, [&](int64_t c) { return x[c] * gate[c]; });
  });
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
  if (a.dx)
    for_pixels(a.B, a.P, a.C, [&](int64_t b, int64_t pixel) {
      const float *dy = a.dy + pixel * a.C, *gate = a.gate + b * a.C;
      store_over(a.C, a.dx.data + pixel * a.C, a.dx.accumulate, [&](int64_t c) { return dy[c] * gate[c]; });
    });
}

}  // namespace tessera::kernels
