#pragma once

#include "tessera/core/tensor.h"

namespace tessera::ops {

// Adds the same positions to every sample. x (B, N, D), positions (N, D) or (1, N, D) -> (B, N, D).
Tensor add_positions(const Tensor& x, const Tensor& positions);

}  // namespace tessera::ops
