#pragma once

#include "tessera/core/tensor.h"

namespace tessera::ops {

// A range of the last axis, copied. x (…, D) -> (…, count). See kernels/columns.h.
Tensor columns(const Tensor& x, int64_t begin, int64_t count);

}  // namespace tessera::ops
