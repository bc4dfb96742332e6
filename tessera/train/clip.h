// Clipping of the gradient by its norm.
#pragma once

#include <algorithm>
#include <cmath>

#include "tessera/core/tensor.h"
#include "tessera/kernels/optimizer.h"

namespace tessera::train {

// The L2 norm of a flat buffer; NaN or infinite where one of its elements is. Same thread count, same bits.
inline double global_norm(const Tensor& flat) {
  return std::sqrt(kernels::sum_of_squares(kernels::cpu_context(), flat.data(), flat.numel()));
}

// What the gradient is multiplied by so that its norm is at most `largest` (0: no limit). The 1e-6 is PyTorch's.
inline double clip_factor(double norm, double largest) {
  return largest > 0 ? std::min(1.0, largest / (norm + 1e-6)) : 1.0;
}

}  // namespace tessera::train
