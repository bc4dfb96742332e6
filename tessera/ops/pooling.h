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
// How many windows there are, down and across, in H×W pixels; 0 where none fits.
Extent2d pooled_size(Extent2d size, const PoolOptions& options);

// The mean of each of out.h × out.w parts of the picture, as equal as they can be; they overlap where they cannot be
// equal, and repeat pixels where `out` is larger than the picture. x (B, H, W, C) -> (B, out.h, out.w, C)
Tensor adaptive_avg_pool2d(const Tensor& x, Extent2d out);
// The mean of the picture. x (B, H, W, C) -> (B, C)
Tensor global_avg_pool2d(const Tensor& x);
// The complex number of the largest magnitude under the window. x (B, H, W, 2·C) in planar halves -> (B, Ho, Wo, 2·C).
Tensor magnitude_pool2d(const Tensor& x, const PoolOptions& options);

// The mean of the tokens from `first` on. x (B, N, D) -> (B, D)
Tensor mean_tokens(const Tensor& x, int64_t first = 0);
// The mean of the tokens where mask, u8 (B, N), is not 0; 0 where a sample has none. x (B, N, D) -> (B, D). Tokens that
// do not count may hold anything.
Tensor mean_tokens(const Tensor& x, const Tensor& mask);

}  // namespace tessera::ops
