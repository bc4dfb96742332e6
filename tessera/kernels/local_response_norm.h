// Local response normalisation over neighbouring channels: Krizhevsky et al., "ImageNet Classification with Deep
// Convolutional Neural Networks" (2012), section 3.3, with PyTorch's α: over the mean of the squares, not their sum.
//
//   y[c] = x[c] / s[c]^β,   s[c] = k + α/n · Σ x[i]²,   i in c - ⌊n/2⌋ … c + ⌊(n - 1)/2⌋, zeros outside
#pragma once

#include <cstdint>

#include "tessera/kernels/context.h"

namespace tessera::kernels {

struct LocalResponse {
  int64_t size;  // n, at least 1
  float alpha, beta, k;
};

struct LocalResponseNormForward {
  const float* x;  // (P, C)
  float* y;        // (P, C)
  int64_t P, C;
  LocalResponse norm;
};
void local_response_norm_forward(Context& context, const LocalResponseNormForward& args);

// dx[i] = dy[i] / s[i]^β - 2·α·β/n · x[i] · Σ dy[c]·x[c] / s[c]^(β + 1) over the c whose windows hold i
struct LocalResponseNormBackward {
  const float* dy;  // (P, C)
  const float* x;   // (P, C)
  Grad dx;          // (P, C), not null
  int64_t P, C;
  LocalResponse norm;
};
void local_response_norm_backward(Context& context, const LocalResponseNormBackward& args);

}  // namespace tessera::kernels
