#pragma once

#include "tessera/core/tensor.h"
#include "tessera/kernels/activation.h"

namespace tessera::ops {

using kernels::Activation;

// An activation function of each element. x (…) -> (…). See kernels/activation.h.
Tensor activate(const Tensor& x, Activation activation);

}  // namespace tessera::ops
