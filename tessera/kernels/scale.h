// Layer scale: Touvron et al., "Going deeper with Image Transformers" (2021), eq. 4.
//
//   y = x · gamma   (gamma per channel)
#pragma once

#include <cstdint>

#include "tessera/kernels/context.h"

namespace tessera::kernels {

struct ScaleForward {
  const float* x;      // (rows, D)
  const float* gamma;  // (D)
  float* y;            // (rows, D), may be x
  int64_t rows, D;
};
void scale_forward(Context& context, const ScaleForward& args);

// dx = dy · gamma,   dgamma = Σ_rows dy · x
struct ScaleBackward {
  const float* dy;     // (rows, D)
  const float* x;      // (rows, D), read for dgamma only
  const float* gamma;  // (D), read for dx only
  Grad dx;             // (rows, D)
  Grad dgamma;         // (D)
  int64_t rows, D;
};
void scale_backward(Context& context, const ScaleBackward& args);

}  // namespace tessera::kernels
