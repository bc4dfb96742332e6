#pragma once

#include "tessera/core/tensor.h"
#include "tessera/ops/activation.h"

namespace tessera::ops {

struct LinearOptions {
  Activation activation = Activation::none;
  Tensor scale = {};         // (N), times the activation; in inference
  Tensor residual = {};      // (…, N), added after both
  DType dtype = DType::f32;  // of the result: what input_of_product() says of the layer after
  int64_t run = 0;           // s8: so many elements have one scale (kernels/quantize.h); 0: a row
};

// act(x·wᵀ + bias)·scale + residual. x (…, K), w (N, K), bias (N) or undefined -> (…, N). See kernels/linear.h,
// precision.h and, for quantised weights, which have no gradient, kernels/linear_s8.h.
Tensor linear(const Tensor& x, const Tensor& w, const Tensor& bias, const LinearOptions& options = {});

}  // namespace tessera::ops
