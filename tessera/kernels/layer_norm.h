// Layer normalisation over the last axis: Ba et al., "Layer Normalization" (2016), eq. 4.
//
//   y = (x - mean) * rstd * gamma + beta,   mean = Σx / D,   rstd = 1 / sqrt(Σ(x - mean)² / D + eps)
#pragma once

#include <cstdint>

#include "tessera/kernels/context.h"
#include "tessera/kernels/elements.h"

namespace tessera::kernels {

struct LayerNormForward {
  const float* x;      // (rows, D)
  const float* gamma;  // (D)
  const float* beta;   // (D)
  Elements y;          // (rows, D), may be x; or null where q is given
  float* mean;         // (rows), or null when no backward follows
  float* rstd;         // (rows), or null
  int64_t rows, D;
  float eps;
  int8_t* q = nullptr;  // (rows, D) and its scales (rows): y, quantised as kernels/quantize.h says
  float* q_scale = nullptr;
};
void layer_norm_forward(Context& context, const LayerNormForward& args);

// With x̂ = (x - mean)·rstd and g = dy·gamma:
//   dx = rstd·(g - Σg/D - x̂·Σ(g·x̂)/D),   dgamma = Σ_rows dy·x̂,   dbeta = Σ_rows dy
struct LayerNormBackward {
  const float* dy;     // (rows, D)
  const float* x;      // (rows, D)
  const float* gamma;  // (D)
  const float* mean;   // (rows)
  const float* rstd;   // (rows)
  Grad dx;             // (rows, D)
  Grad dgamma, dbeta;  // (D)
  int64_t rows, D;
};
void layer_norm_backward(Context& context, const LayerNormBackward& args);

}  // namespace tessera::kernels
