#pragma once

#include "tessera/core/tensor.h"

namespace tessera::ops {

// The weights of the real layer that computes a complex one on planar halves. re, im (O, C, …) -> (2·O, 2·C, …). See
// kernels/complex_block.h.
Tensor complex_block(const Tensor& re, const Tensor& im);

}  // namespace tessera::ops
