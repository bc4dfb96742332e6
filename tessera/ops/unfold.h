#pragma once

#include "tessera/core/tensor.h"

namespace tessera::ops {

// The patches of pictures as rows. x (B, H, W, C) -> (B, ⌊H/Ph⌋·⌊W/Pw⌋, C·Ph·Pw): patches row by row, the columns of
// each ordered (c, py, px) like a convolution's weight (O, C, Ph, Pw). What is left of H and W is cut off, as a
// convolution with that stride does. See kernels/unfold.h.
Tensor unfold(const Tensor& x, int64_t Ph, int64_t Pw);

}  // namespace tessera::ops
