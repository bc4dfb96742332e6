#include "tessera/ops/layer_norm.h"

#include "tessera/kernels/layer_norm.h"
#include "tessera/ops/precision.h"
#include "tessera/ops/tape.h"

namespace tessera::ops {

Tensor layer_norm(const Tensor& x, const Tensor& gamma, const Tensor& beta, float eps, DType dtype) {
  TESSERA_CHECK(x.rank() > 0 && gamma.shape() == Shape{x.size(-1)} && beta.shape() == gamma.shape(),
                "layer_norm: gamma and beta must have the last extent of x {}, but they are {} and {}",
                to_string(x.shape()), to_string(gamma.shape()), to_string(beta.shape()));
  const int64_t D = x.size(-1);
  const int64_t rows = D ? x.numel() / D : 0;
  const bool quantise = dtype == DType::s8;
  Tensor y = Tensor::empty(x.shape(), dtype);
  const Tensor scales = quantise ? Tensor::empty({rows}) : Tensor();
  Tensor mean, rstd;  // (rows), kept for backward
  const bool training = recording({x, gamma, beta});
  TESSERA_CHECK(!training || !quantise, "layer_norm: a quantised result cannot be trained through");
  if (training) {
    mean = Tensor::empty({rows});
    rstd = Tensor::empty({rows});
  }
  kernels::layer_norm_forward(kernels::cpu_context(), {.x = x.data(),
                                                       .gamma = gamma.data(),
                                                       .beta = beta.data(),
                                                       .y = quantise ? nullptr : elements_of(y),
                                                       .mean = training ? mean.data() : nullptr,
                                                       .rstd = training ? rstd.data() : nullptr,
                                                       .rows = rows,
                                                       .D = D,
                                                       .eps = eps,
                                                       .q = quantise ? y.data<int8_t>() : nullptr,
                                                       .q_scale = quantise ? scales.data() : nullptr});
  if (quantise) return Tensor::quantised(y, scales);
  if (training) {
    record(y, [=, x = x.detach(), gamma = gamma.detach(), dx = GradientOf(x), dgamma = GradientOf(gamma),
               dbeta = GradientOf(beta)](const Tensor& dy) {
      kernels::layer_norm_backward(kernels::cpu_context(), {.dy = dy.data(),
                                                            .x = x.data(),
                                                            .gamma = gamma.data(),
                                                            .mean = mean.data(),
                                                            .rstd = rstd.data(),
                                                            .dx = dx.target(),
                                                            .dgamma = dgamma.target(),
                                                            .dbeta = dbeta.target(),
                                                            .rows = rows,
                                                            .D = D});
    });
  }
  return y;
}

}  // namespace tessera::ops
