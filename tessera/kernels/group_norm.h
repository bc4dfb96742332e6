// Group normalisation of a picture's channels: Wu and He, "Group Normalization" (2018), eq. 1 and 7.
//
//   y = act((x - mean)·rstd·gamma + beta),   mean and rstd = 1 / sqrt(variance + eps) over all pixels and the C/G
//   channels of a group, of each sample by itself
#pragma once

#include <cstdint>

#include "tessera/kernels/context.h"

namespace tessera::kernels {

struct GroupNormShape {
  int64_t B, P, C;  // P pixels
  int64_t G;        // groups; divides C
};

struct GroupNormForward {
  const float* x;      // (B, P, C)
  const float* gamma;  // (C)
  const float* beta;   // (C)
  float* y;            // (B, P, C), may be x
  float* mean;         // (B, G)
  float* rstd;         // (B, G)
  GroupNormShape shape;
  float eps;
  bool relu;
};
void group_norm_forward(Context& context, const GroupNormForward& args);

// With x̂ = (x - mean)·rstd, δ = dy where y > 0 or without relu, else 0, g = δ·gamma and means over a group:
//   dx = rstd·(g - mean(g) - x̂·mean(g·x̂)),   dgamma = Σ δ·x̂,   dbeta = Σ δ
struct GroupNormBackward {
  const float* dy;     // (B, P, C)
  const float* x;      // (B, P, C)
  const float* gamma;  // (C)
  const float* beta;   // (C)
  const float* mean;   // (B, G)
  const float* rstd;   // (B, G)
  Grad dx;             // (B, P, C)
  Grad dgamma, dbeta;  // (C)
  GroupNormShape shape;
  bool relu;
};
void group_norm_backward(Context& context, const GroupNormBackward& args);

}  // namespace tessera::kernels
