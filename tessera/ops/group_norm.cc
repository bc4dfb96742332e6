#include "tessera/ops/group_norm.h"

#include "tessera/kernels/group_norm.h"
#include "tessera/ops/tape.h"

namespace tessera::ops {

Tensor group_norm(const Tensor& x, const Tensor& gamma, const Tensor& beta, const GroupNormOptions& options) {
  TESSERA_CHECK(x.rank() >= 2 && x.numel() > 0, "group_norm: x must be (B, …, C) and not empty, but it is {}",
                to_string(x.shape()));
  const int64_t B = x.size(0), C = x.size(-1), G = options.groups;
  TESSERA_CHECK(G > 0 && C % G == 0, "group_norm: {} groups do not divide the {} channels of x {}", G, C,
                to_string(x.shape()));
  TESSERA_CHECK(gamma.shape() == Shape{C} && beta.shape() == Shape{C},
                "group_norm: gamma and beta must have the last extent of x {}, but they are {} and {}",
                to_string(x.shape()), to_string(gamma.shape()), to_string(beta.shape()));
  const kernels::GroupNormShape shape = {.B = B, .P = x.numel() / (B * C), .C = C, .G = G};
  Tensor y = Tensor::empty(x.shape());
  const Tensor mean = Tensor::empty({B, G}), rstd = Tensor::empty({B, G});
  kernels::group_norm_forward(kernels::cpu_context(), {.x = x.data(),
                                                       .gamma = gamma.data(),
                                                       .beta = beta.data(),
                                                       .y = y.data(),
                                                       .mean = mean.data(),
                                                       .rstd = rstd.data(),
                                                       .shape = shape,
                                                       .eps = options.eps,
                                                       .relu = options.relu});
  if (recording({x, gamma, beta})) {
    record(y, [=, relu = options.relu, x = x.detach(), gamma = gamma.detach(), beta = beta.detach(), dx = GradientOf(x),
               dgamma = GradientOf(gamma), dbeta = GradientOf(beta)](const Tensor& dy) {
      kernels::group_norm_backward(kernels::cpu_context(), {.dy = dy.data(),
                                                            .x = x.data(),
                                                            .gamma = gamma.data(),
                                                            .beta = beta.data(),
                                                            .mean = mean.data(),
                                                            .rstd = rstd.data(),
                                                            .dx = dx.target(),
                                                            .dgamma = dgamma.target(),
                                                            .dbeta = dbeta.target(),
                                                            .shape = shape,
                                                            .relu = relu});
    });
  }
  return y;
}

}  // namespace tessera::ops
