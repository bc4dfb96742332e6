#pragma once

#include "tessera/core/tensor.h"
#include "tessera/kernels/local_response_norm.h"

namespace tessera::ops {

using kernels::LocalResponse;

// Local response normalisation over `size` neighbouring channels, as PyTorch's LocalResponseNorm. x (B, …, C) -> (B, …,
// C). See kernels/local_response_norm.h.
Tensor local_response_norm(const Tensor& x, const LocalResponse& norm);

}  // namespace tessera::ops
