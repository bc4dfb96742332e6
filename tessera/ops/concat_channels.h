#pragma once

#include <vector>

#include "tessera/core/tensor.h"

namespace tessera::ops {

// Joins the channels of every pixel, in the order of the parts. parts (…, C_i) -> (…, Σ C_i)
Tensor concat_channels(const std::vector<Tensor>& parts);

}  // namespace tessera::ops
