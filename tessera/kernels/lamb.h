// LAMB (You et al., "Large Batch Optimization for Deep Learning", 2020) on n elements of one parameter, in two parts:
//   m ← m + (1 − β₁)(g − m),   v ← β₂v + (1 − β₂)g²,   u = m·correction / (√v·rsqrt_correction + eps) + wd·p
//   p ← p − rate·u,   rate = lr·‖p‖/‖u‖, the norms over the whole parameter
// g = gradient·gradient_scale. Both run on the calling thread: who owns the buffer splits it.
#pragma once

#include <cstdint>

#include "tessera/kernels/context.h"

namespace tessera::kernels {

struct LambUpdate {
  const float* parameter;  // (n)
  const float* gradient;   // (n)
  float* first;            // (n) m
  float* second;           // (n) v
  float* update;           // (n) u
  int64_t n;
  float gradient_scale = 1;
  float fresh1;                // 1 − β₁
  float beta2, fresh2;         // β₂, 1 − β₂
  float correction = 1;        // 1/(1 − β₁ᵗ)
  float rsqrt_correction = 1;  // 1/√(1 − β₂ᵗ)
  float eps;
  float weight_decay = 0;
};
struct LambSquares {
  double parameter = 0, update = 0;  // Σp², Σu²
};
LambSquares lamb_update(Context& context, const LambUpdate& args);

// p ← p − rate·u
void lamb_apply(Context& context, float* parameter, const float* update, int64_t n, float rate);

}  // namespace tessera::kernels
