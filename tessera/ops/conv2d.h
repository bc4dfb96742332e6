#pragma once

#include "tessera/core/tensor.h"
#include "tessera/kernels/window2d.h"
#include "tessera/ops/activation.h"

namespace tessera::ops {

using kernels::Extent2d;
using kernels::Padding2d;

struct Conv2dOptions {
  Extent2d stride = {};
  Padding2d padding = {};  // with zeros
  int64_t groups = 1;
};

// Convolution. x (B, H, W, C), w (O, C/groups, kh, kw), bias (O) or undefined -> (B, ⌊(H + top + bottom - kh) /
// stride.h⌋ + 1, and likewise for W, O). See kernels/conv2d.h.
Tensor conv2d(const Tensor& x, const Tensor& w, const Tensor& bias, const Conv2dOptions& options = {});

// What a convolution whose weights do not change any more does besides.
struct Conv2dEpilogue {
  Tensor scale = {};     // (O), of w; the bias is scaled already
  Tensor residual = {};  // as the result; the result takes its place in memory where nobody else holds it
  Activation activation = Activation::none;
  // Behind the activation.
  Tensor after_scale = {}, after_shift = {};  // (O)
  Tensor after_residual = {};                 // as the result
};
// act(conv2d + residual)·after_scale + after_shift + after_residual. For use: an Error where something of it is recorded.
Tensor conv2d_for_use(const Tensor& x, const Tensor& w, const Tensor& bias, const Conv2dOptions& options,
                      Conv2dEpilogue epilogue);

}  // namespace tessera::ops
