#pragma once

#include <string_view>

#include "tessera/core/tensor.h"

namespace tessera::ops {

// x (B, …) -> the same shape. Outside of training, and with p = 0, both give x itself. What is dropped is a function of
// the training state (its seed, step and first sample), of the layer's path, and of the element's place in its sample.
// p in [0, 1). See kernels/dropout.h.

// Drops elements with probability p; scales the others by 1 / (1 - p).
Tensor dropout(const Tensor& x, float p, std::string_view path);
// Drops whole samples of a residual branch with probability p; scales the others by 1 / (1 - p).
Tensor drop_path(const Tensor& x, float p, std::string_view path);

}  // namespace tessera::ops
