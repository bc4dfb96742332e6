#pragma once

#include "tessera/core/tensor.h"

namespace tessera::ops {

// Softmax over the last axis. x (…, D) -> (…, D). See kernels/softmax.h.
Tensor softmax(const Tensor& x);

}  // namespace tessera::ops
