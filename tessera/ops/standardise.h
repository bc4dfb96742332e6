#pragma once

#include "tessera/core/tensor.h"
#include "tessera/kernels/standardise.h"

namespace tessera::ops {

using kernels::EpsilonOn;

// Weight standardisation, of each output channel. w (O, …) -> like w. See kernels/standardise.h.
Tensor standardise(const Tensor& w, float eps, EpsilonOn epsilon_on = EpsilonOn::variance);

}  // namespace tessera::ops
