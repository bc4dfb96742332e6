// Binary cross-entropy of every class by itself.
//
//   loss = Σ_i [(1 - t_i)·x_i + l_i·log(1 + e^-x_i)] / divisor,   l_i = 1 + (w_k - 1)·t_i
//
// t in [0, 1] the target, w_k what a positive of class k weighs. Finite for finite x: log(1 + e^-x) is
// max(-x, 0) + log1p(e^-|x|).
#pragma once

#include <cstdint>

#include "tessera/kernels/context.h"

namespace tessera::kernels {

struct BinaryCrossEntropyForward {
  const float* logits;            // (B, K)
  const float* targets;           // (B, K)
  const float* positive_weights;  // (K), or null: all 1
  float* loss;                    // (1)
  double divisor;
  int64_t B, K;
};
void binary_cross_entropy_forward(Context& context, const BinaryCrossEntropyForward& args);

// dx_i = dloss·((1 - t_i) - l_i·σ(-x_i)) / divisor
struct BinaryCrossEntropyBackward {
  float dloss;
  const float* logits;            // (B, K)
  const float* targets;           // (B, K)
  const float* positive_weights;  // (K), or null
  Grad dx;                        // (B, K), not null
  double divisor;
  int64_t B, K;
};
void binary_cross_entropy_backward(Context& context, const BinaryCrossEntropyBackward& args);

}  // namespace tessera::kernels
