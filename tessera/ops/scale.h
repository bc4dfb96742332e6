#pragma once

#include "tessera/core/tensor.h"

namespace tessera::ops {

// Layer scale: x · gamma. x (…, D), gamma (D) -> (…, D). See kernels/scale.h.
Tensor scale(const Tensor& x, const Tensor& gamma);

}  // namespace tessera::ops
