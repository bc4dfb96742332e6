#pragma once

#include "tessera/core/tensor.h"

namespace tessera::ops {

// a + b, both of one shape.
Tensor add(const Tensor& a, const Tensor& b);

}  // namespace tessera::ops
