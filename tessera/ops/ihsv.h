#pragma once

#include "tessera/core/tensor.h"

namespace tessera::ops {

// Colours as complex numbers, by the model iHSV. rgb (…, 3) in [0, 1] -> (…, 6): real parts of I_h, I_s, I_v, then
// imaginary ones. See kernels/ihsv.h.
Tensor ihsv(const Tensor& rgb);

}  // namespace tessera::ops
