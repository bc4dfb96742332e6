// Two-dimensional convolution (as everywhere in this field: cross-correlation).
//
//   y[b, i, j, o] = bias[o] + Σ_{c, p, q} w[o, c, p, q] · x[b, i·stride.h + p - top, j·stride.w + q - left, C/groups·g
//   + c]
//
// where o belongs to group g, c is in [0, C/groups), and pixels outside the picture are 0. For use, when weights do not
// change any more, what follows is a part of it, with the bias scaled already:
//
//   y' = act(scale[o]·y + residual)·after_scale[o] + after_shift[o] + after_residual
#pragma once

#include <cstdint>

#include "tessera/kernels/activation.h"
#include "tessera/kernels/frozen.h"
#include "tessera/kernels/window2d.h"

namespace tessera::kernels {

struct Conv2dShape {
  int64_t B, H, W, C;  // of x
  int64_t O;
  Window2d window;
  int64_t groups;  // divides C and O
  Extent2d out() const { return windows_in(H, W, window); }
  int64_t x_size() const { return B * H * W * C; }
  int64_t y_size() const { return B * out().h * out().w * O; }
  int64_t w_size() const { return O * (C / groups) * window.kernel.h * window.kernel.w; }
};

// Must not be called inside a parallel loop. The same bits for the same thread count.
struct Conv2dForward {
  const float* x;     // (B, H, W, C)
  const float* w;     // (O, C/groups, kernel.h, kernel.w)
  const float* bias;  // (O), or null
  float* y;           // (B, out.h, out.w, O)
  Conv2dShape shape;

  const float* scale = nullptr;     // (O), of w alone; or null
  const float* residual = nullptr;  // (B, out.h, out.w, O), may be y; or null
  Activation activation = Activation::none;
  // Behind the activation: a norm, both or none, and what is added to its result.
  const float* after_scale = nullptr;     // (O), or null
  const float* after_shift = nullptr;     // (O), or null
  const float* after_residual = nullptr;  // (B, out.h, out.w, O), not y; or null
  FrozenWeights* frozen = nullptr;  // keeps w as the convolution likes it best, scaled (by one scale ever); or null
};
void conv2d_forward(Context& context, const Conv2dForward& args);

struct Conv2dBackward {
  const float* dy;  // (B, out.h, out.w, O)
  const float* x;   // (B, H, W, C), or null where dw is
  const float* w;   // (O, C/groups, kernel.h, kernel.w), or null where dx is
  Grad dx;          // (B, H, W, C)
  Grad dw;          // (O, C/groups, kernel.h, kernel.w)
  Grad dbias;       // (O)
  Conv2dShape shape;
};
void conv2d_backward(Context& context, const Conv2dBackward& args);

}  // namespace tessera::kernels
