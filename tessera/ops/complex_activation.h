#pragma once

#include "tessera/core/tensor.h"
#include "tessera/kernels/complex_activation.h"

namespace tessera::ops {

using kernels::ComplexActivation;

// An activation function of complex numbers in planar halves. x (…, 2·C) -> (…, 2·C). parameter: modrelu (C), cprelu
// (2), else undefined. See kernels/complex_activation.h.
Tensor complex_activate(const Tensor& x, ComplexActivation activation, const Tensor& parameter = {});

}  // namespace tessera::ops
