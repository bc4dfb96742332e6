#pragma once

#include "tessera/core/tensor.h"
#include "tessera/ops/activation.h"

namespace tessera::ops {

struct LinearOptions {
  Activation activation = Activation::none;
  Tensor residual = {};   // (…, N), added after the activation
  int64_t quantise = 0;   // the result, in runs of so many elements: for quantised weights, in inference
};

// Whether products with these weights want x quantised, by layer_norm() or by the linear() before. Not where somebody
// listens to taps.
bool takes_quantised(const Tensor& w);

// act(x·wᵀ + bias) + residual. x (…, K), w (N, K), bias (N) or undefined -> (…, N). See kernels/linear.h and, for
// quantised weights, which have no gradient, kernels/linear_s8.h.
Tensor linear(const Tensor& x, const Tensor& w, const Tensor& bias, const LinearOptions& options = {});

}  // namespace tessera::ops
