// Pictures as rows of patches: a convolution whose stride is its kernel is then one matrix product.
//
//   y[b, gy·gw + gx, (c·Ph + py)·Pw + px] = x[b, gy·Ph + py, gx·Pw + px, c],   gh = ⌊H/Ph⌋, gw = ⌊W/Pw⌋
#pragma once

#include <cstdint>

#include "tessera/kernels/context.h"

namespace tessera::kernels {

struct UnfoldForward {
  const float* x;  // (B, H, W, C)
  float* y;        // (B, gh·gw, C·Ph·Pw)
  int64_t B, H, W, C;
  int64_t Ph, Pw;
};
void unfold_forward(Context& context, const UnfoldForward& args);

// The way back: each pixel gets the gradient of its one place in the patches, and 0 where it was cut off.
struct UnfoldBackward {
  const float* dy;  // (B, gh·gw, C·Ph·Pw)
  Grad dx;          // (B, H, W, C), not null
  int64_t B, H, W, C;
  int64_t Ph, Pw;
};
void unfold_backward(Context& context, const UnfoldBackward& args);

}  // namespace tessera::kernels
