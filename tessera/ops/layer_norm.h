#pragma once

#include "tessera/core/tensor.h"

namespace tessera::ops {

// Layer normalisation over the last axis. x (…, D), gamma (D), beta (D) -> (…, D), in inference quantised if
// `quantise`. See kernels/layer_norm.h.
Tensor layer_norm(const Tensor& x, const Tensor& gamma, const Tensor& beta, float eps, bool quantise = false);

}  // namespace tessera::ops
