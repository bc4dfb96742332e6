#pragma once

#include "tessera/core/tensor.h"

namespace tessera::ops {

// Rows of a table, as of the words of sentences. table (T, D), index s32 (…) with values in [0, T), or -1 for a row of
// zeros -> (…, D). See kernels/embedding.h.
Tensor embedding(const Tensor& table, const Tensor& index);

}  // namespace tessera::ops
