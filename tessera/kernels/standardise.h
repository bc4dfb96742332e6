// Weight standardisation: Qiao et al., "Micro-Batch Training with Batch-Channel Normalization and Weight
// Standardization" (2019), eq. 4. Over each row, the weights of one output channel:
//
//   y = (x - mean)·r,   r = 1 / sqrt(variance + eps), or 1 / (sqrt(variance) + eps)
#pragma once

#include <cstdint>

#include "tessera/kernels/context.h"

namespace tessera::kernels {

// What epsilon is added to: timm's code has the one, Google's the other.
enum class EpsilonOn { variance, deviation };

struct StandardiseForward {
  const float* x;  // (rows, K)
  float* y;        // (rows, K), may be x
  int64_t rows, K;
  float eps;
  EpsilonOn epsilon_on;
};
void standardise_forward(Context& context, const StandardiseForward& args);

// dx = r·(dy - mean(dy)) - q·y·mean(dy·y),   q = r with epsilon on the variance, else 1 / sqrt(variance)
struct StandardiseBackward {
  const float* dy;  // (rows, K)
  const float* x;   // (rows, K)
  Grad dx;          // (rows, K), not null
  int64_t rows, K;
  float eps;
  EpsilonOn epsilon_on;
};
void standardise_backward(Context& context, const StandardiseBackward& args);

}  // namespace tessera::kernels
