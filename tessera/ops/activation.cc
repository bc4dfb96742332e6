#include "tessera/ops/activation.h"

#include "tessera/ops/tape.h"

namespace tessera::ops {

Tensor activate(const Tensor& x, Activation activation) {
  Tensor y = Tensor::empty(x.shape());
  kernels::activation_forward(kernels::cpu_context(),
                              {.x = x.data(), .y = y.data(), .n = x.numel(), .activation = activation});
  if (recording({x})) {
    record(y, [activation, x = x.detach(), dx = GradientOf(x)](const Tensor& dy) {
      const kernels::Grad to = dx.target();
      kernels::activation_backward(kernels::cpu_context(), {.dy = dy.data(),
                                                            .x = x.data(),
                                                            .dx = to.data,
                                                            .accumulate = to.accumulate,
                                                            .n = x.numel(),
                                                            .activation = activation});
    });
  }
  return y;
}

}  // namespace tessera::ops
