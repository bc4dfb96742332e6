// Magnitudes and phases of complex numbers z = x + i·y in planar halves.
#pragma once

#include <cstdint>

#include "tessera/kernels/context.h"

namespace tessera::kernels {

// m = |z| = √(x² + y²)
struct MagnitudeForward {
  const float* z;  // (P, 2·C): C real parts, then C imaginary ones
  float* m;        // (P, C)
  int64_t P, C;
};
void magnitude_forward(Context& context, const MagnitudeForward& args);

// dz = dm·z / |z|, 0 at z = 0
struct MagnitudeBackward {
  const float* dm;  // (P, C)
  const float* z;   // (P, 2·C)
  Grad dz;          // (P, 2·C), not null
  int64_t P, C;
};
void magnitude_backward(Context& context, const MagnitudeBackward& args);

// sum = Σ w·arg z, with arg z = atan2(y, x) in (-π, π], 0 at z = 0
struct WeightedPhaseForward {
  const float* z;  // (P, 2·C)
  const float* w;  // (P, C)
  float* sum;      // (1)
  int64_t P, C;
};
void weighted_phase_forward(Context& context, const WeightedPhaseForward& args);

// dz = dsum·w·(-y, x) / |z|², 0 at z = 0. It grows without bound towards 0, and nothing of it tells of the jump at ±π.
struct WeightedPhaseBackward {
  float dsum;
  const float* z;  // (P, 2·C)
  const float* w;  // (P, C)
  Grad dz;         // (P, 2·C), not null
  int64_t P, C;
};
void weighted_phase_backward(Context& context, const WeightedPhaseBackward& args);

}  // namespace tessera::kernels
