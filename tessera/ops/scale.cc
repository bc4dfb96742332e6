#include "tessera/ops/scale.h"

#include "tessera/kernels/scale.h"
#include "tessera/ops/tape.h"

namespace tessera::ops {

Tensor scale(const Tensor& x, const Tensor& gamma) {
  TESSERA_CHECK(x.rank() > 0 && gamma.shape() == Shape{x.size(-1)},
                "scale: gamma must have the last extent of x {}, but it is {}", to_string(x.shape()),
                to_string(gamma.shape()));
  const int64_t D = x.size(-1);
  const int64_t rows = D ? x.numel() / D : 0;
  Tensor y = Tensor::empty(x.shape());
  kernels::scale_forward(kernels::cpu_context(),
                         {.x = x.data(), .gamma = gamma.data(), .y = y.data(), .rows = rows, .D = D});
  if (recording({x, gamma})) {
    // Each input is kept for the other's gradient only.
    record(y,
           [=, x = gamma.requires_grad() ? x.detach() : Tensor(), gamma = x.requires_grad() ? gamma.detach() : Tensor(),
            dx = GradientOf(x), dgamma = GradientOf(gamma)](const Tensor& dy) {
             kernels::scale_backward(kernels::cpu_context(), {.dy = dy.data(),
                                                              .x = x ? x.data() : nullptr,
                                                              .gamma = gamma ? gamma.data() : nullptr,
                                                              .dx = dx.target(),
                                                              .dgamma = dgamma.target(),
                                                              .rows = rows,
                                                              .D = D});
           });
  }
  return y;
}

}  // namespace tessera::ops
