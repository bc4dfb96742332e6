#include "tessera/ops/softmax.h"

#include "tessera/kernels/softmax.h"
#include "tessera/ops/tape.h"

namespace tessera::ops {

Tensor softmax(const Tensor& x) {
  TESSERA_CHECK(x.rank() > 0, "softmax: x must be (…, D), but it is {}", to_string(x.shape()));
  const int64_t D = x.size(-1);
  const int64_t rows = D ? x.numel() / D : 0;
  Tensor y = Tensor::empty(x.shape());
  kernels::softmax_forward(kernels::cpu_context(), {.x = x.data(), .y = y.data(), .rows = rows, .D = D});
  if (recording({x})) {
    record(y, [=, y = y.detach(), dx = GradientOf(x)](const Tensor& dy) {
      kernels::softmax_backward(kernels::cpu_context(),
                                {.dy = dy.data(), .y = y.data(), .dx = dx.target(), .rows = rows, .D = D});
    });
  }
  return y;
}

}  // namespace tessera::ops
