#include "tessera/ops/local_response_norm.h"

#include "tessera/ops/tape.h"

namespace tessera::ops {

Tensor local_response_norm(const Tensor& x, const LocalResponse& norm) {
  TESSERA_CHECK(x.rank() >= 2 && x.numel() > 0, "local_response_norm: x must be (B, …, C) and not empty, but it is {}",
                to_string(x.shape()));
  TESSERA_CHECK(norm.size >= 1 && norm.k > 0 && norm.alpha >= 0,
                "local_response_norm: the window must be at least 1, k above 0 and alpha at least 0, but they are {}, "
                "{} and {}",
                norm.size, norm.k, norm.alpha);
  const int64_t C = x.size(-1), P = x.numel() / C;
  Tensor y = Tensor::empty(x.shape());
  kernels::local_response_norm_forward(kernels::cpu_context(),
                                       {.x = x.data(), .y = y.data(), .P = P, .C = C, .norm = norm});
  if (recording({x})) {
    record(y, [=, x = x.detach(), dx = GradientOf(x)](const Tensor& dy) {
      kernels::local_response_norm_backward(
          kernels::cpu_context(), {.dy = dy.data(), .x = x.data(), .dx = dx.target(), .P = P, .C = C, .norm = norm});
    });
  }
  return y;
}

}  // namespace tessera::ops
