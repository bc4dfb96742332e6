// Softmax cross-entropy against labels or soft targets.
//
//   loss = Σ_b Σ_k t_bk·(lse_b - x_bk) / divisor,   lse_b = log Σ_k exp(x_bk)
//   t_bk = w_k·((1 - e)·q_bk + e/K),   q the one-hot label or the soft target, e the smoothing, w the class weights
//
// Smoothing: Szegedy et al., "Rethinking the Inception Architecture for Computer Vision" (2016), section 7.
#pragma once

#include <cstdint>

#include "tessera/kernels/context.h"

namespace tessera::kernels {

// What t is made of.
struct CrossEntropyTargets {
  const int64_t* labels;       // (B), in [0, K); null where `soft` is given
  const float* soft;           // (B, K); null where `labels` are given
  const float* class_weights;  // (K), or null: all 1
  float smoothing;             // in [0, 1]
};

struct CrossEntropyForward {
  const float* logits;  // (B, K)
  CrossEntropyTargets targets;
  float* loss;  // (1)
  float* peak;  // (B): max_k x_bk
  float* sum;   // (B): Σ_k exp(x_bk - peak_b)
  double divisor;
  int64_t B, K;
};
void cross_entropy_forward(Context& context, const CrossEntropyForward& args);

// dx_bk = dloss·(softmax(x_b)_k·Σ_j t_bj - t_bk) / divisor
struct CrossEntropyBackward {
  float dloss;
  const float* logits;  // (B, K)
  CrossEntropyTargets targets;
  const float* peak;  // (B)
  const float* sum;   // (B)
  Grad dx;            // (B, K), not null
  double divisor;
  int64_t B, K;
};
void cross_entropy_backward(Context& context, const CrossEntropyBackward& args);

}  // namespace tessera::kernels
