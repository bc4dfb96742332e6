#pragma once

#include "tessera/core/tensor.h"

namespace tessera::ops {

// Rows of a table. table (T, D), index s32 (N) with values in [0, T) -> (N, D). See kernels/embedding.h.
Tensor embedding(const Tensor& table, const Tensor& index);

}  // namespace tessera::ops
