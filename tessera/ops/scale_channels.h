#pragma once

#include "tessera/core/tensor.h"

namespace tessera::ops {

// Each channel of each sample times a number of its own: x (B, …, C), gate (B, C) -> as x. Where nothing is recorded
// and this was the last handle to x, the result takes its place in memory. See kernels/scale_channels.h.
Tensor scale_channels(Tensor x, const Tensor& gate);

}  // namespace tessera::ops
