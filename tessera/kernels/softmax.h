// Softmax over the last axis.
//
//   y_i = exp(x_i - m) / Σ_k exp(x_k - m),   m = max x: finite for any finite x
#pragma once

#include <cstdint>

#include "tessera/kernels/context.h"

namespace tessera::kernels {

struct SoftmaxForward {
  const float* x;  // (rows, D)
  float* y;        // (rows, D), may be x
  int64_t rows, D;
};
void softmax_forward(Context& context, const SoftmaxForward& args);

// dx = y·(dy - Σ dy·y)
struct SoftmaxBackward {
  const float* dy;  // (rows, D)
  const float* y;   // (rows, D)
  Grad dx;          // (rows, D), not null
  int64_t rows, D;
};
void softmax_backward(Context& context, const SoftmaxBackward& args);

}  // namespace tessera::kernels
