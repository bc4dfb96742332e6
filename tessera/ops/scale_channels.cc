#include "tessera/ops/scale_channels.h"

#include "tessera/kernels/scale_channels.h"
#include "tessera/ops/tape.h"

namespace tessera::ops {

Tensor scale_channels(Tensor x, const Tensor& gate) {
  TESSERA_CHECK(x.rank() >= 2 && x.numel() > 0 && gate.shape() == Shape({x.size(0), x.size(-1)}),
                "scale_channels: x must be (B, …, C) and not empty and gate (B, C), but they are {} and {}",
                to_string(x.shape()), to_string(gate.shape()));
  const int64_t B = x.size(0), C = x.size(-1), P = x.numel() / (B * C);
  const bool records = recording({x, gate});
  Tensor y = !records && x.is_unique() ? x.detach() : Tensor::empty(x.shape());
  kernels::scale_channels_forward(kernels::cpu_context(),
                                  {.x = x.data(), .gate = gate.data(), .y = y.data(), .B = B, .P = P, .C = C});
  if (records) {
    // Each input is kept for the other's gradient only.
    record(y, [=, x = gate.requires_grad() ? x.detach() : Tensor(), gate = x.requires_grad() ? gate.detach() : Tensor(),
               dx = GradientOf(x), dgate = GradientOf(gate)](const Tensor& dy) {
      kernels::scale_channels_backward(kernels::cpu_context(), {.dy = dy.data(),
                                                                .x = x ? x.data() : nullptr,
                                                                .gate = gate ? gate.data() : nullptr,
                                                                .dx = dx.target(),
                                                                .dgate = dgate.target(),
                                                                .B = B,
                                                                .P = P,
                                                                .C = C});
    });
  }
  return y;
}

}  // namespace tessera::ops
