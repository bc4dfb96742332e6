#pragma once

#include "tessera/core/tensor.h"
#include "tessera/kernels/window2d.h"

namespace tessera::ops {

using kernels::Extent2d;
using kernels::Padding2d;

struct Conv2dOptions {
  Extent2d stride = {};
  Padding2d padding = {};  // with zeros
  int64_t groups = 1;
};

// Convolution. x (B, H, W, C), w (O, C/groups, kh, kw), bias (O) or undefined -> (B, ⌊(H + top + bottom - kh) /
// stride.h⌋
// + 1, and likewise for W, O). See kernels/conv2d.h.
Tensor conv2d(const Tensor& x, const Tensor& w, const Tensor& bias, const Conv2dOptions& options = {});

}  // namespace tessera::ops
