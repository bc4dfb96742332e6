#pragma once

#include "tessera/core/tensor.h"

namespace tessera::ops {

// |z| of complex numbers in planar halves. z (…, 2·C) -> (…, C). See kernels/polar.h.
Tensor magnitude(const Tensor& z);

// Σ w·arg z. z (…, 2·C), w (…, C) -> (1). No gradient goes to w. See kernels/polar.h.
Tensor weighted_phase(const Tensor& z, const Tensor& w);

}  // namespace tessera::ops
