#pragma once

#include "tessera/core/tensor.h"

namespace tessera::ops {

// Layer normalisation over the last axis. x (…, D), gamma (D), beta (D) -> (…, D), in f32 or bf16 or, in
// inference, quantised row by row (s8). See kernels/layer_norm.h.
Tensor layer_norm(const Tensor& x, const Tensor& gamma, const Tensor& beta, float eps, DType dtype = DType::f32);

}  // namespace tessera::ops
