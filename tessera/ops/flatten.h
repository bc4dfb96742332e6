#pragma once

#include "tessera/core/tensor.h"

namespace tessera::ops {

// A picture's features in one row, ordered (C, H, W) as PyTorch flattens them, so that linear layers behind read its
// weights. x (B, H, W, C) -> (B, C·H·W). See kernels/transpose.h.
Tensor flatten(const Tensor& x);

}  // namespace tessera::ops
