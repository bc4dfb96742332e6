#pragma once

#include "tessera/core/tensor.h"

namespace tessera::ops {

// Four neighbouring tokens of a map as one. x (B, H·W, C), row by row -> (B, ⌈H/2⌉·⌈W/2⌉, 4·C), those of the left
// column first, the upper of each column first; zeros beyond an odd map. See kernels/merge_patches.h.
Tensor merge_patches(const Tensor& x, int64_t H, int64_t W);

}  // namespace tessera::ops
