#pragma once

#include "tessera/core/tensor.h"
#include "tessera/kernels/window2d.h"

namespace tessera::ops {

using kernels::Extent2d;
using kernels::Padding2d;

struct PoolOptions {
  Extent2d kernel;
  Extent2d stride;
  Padding2d padding = {};  // less than the kernel
  bool ceil_mode = false;  // keep a last window that sticks out, if it starts inside the picture or its padding before
  bool count_include_pad = true;  // the mean counts the padding as zeros
};

// Pooling with PyTorch's rules. x (B, H, W, C) -> (B, Ho, Wo, C). See kernels/pooling.h.
Tensor max_pool2d(const Tensor& x, const PoolOptions& options);
Tensor avg_pool2d(const Tensor& x, const PoolOptions& options);
// The complex number of the largest magnitude under the window. x (B, H, W, 2·C) in planar halves -> (B, Ho, Wo, 2·C).
Tensor magnitude_pool2d(const Tensor& x, const PoolOptions& options);

// The mean of the tokens from `first` on. x (B, N, D) -> (B, D)
Tensor mean_tokens(const Tensor& x, int64_t first = 0);

}  // namespace tessera::ops
