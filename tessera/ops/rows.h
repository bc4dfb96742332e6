#pragma once

#include "tessera/core/tensor.h"

namespace tessera::ops {

// Rows [begin, begin + count) of the first axis, without a copy. x (R, …) -> (count, …). The result shares x's
// elements.
Tensor rows(const Tensor& x, int64_t begin, int64_t count);

}  // namespace tessera::ops
