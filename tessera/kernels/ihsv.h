// The complex colour model iHSV: Yadav and Jerripothula, "FCCNs: Fully Complex-valued Convolutional Networks using
// Complex-valued Color Model and Loss Function" (ICCV 2023). A colour is a point of the HSV cylinder, whose angle is
// the hue H, whose radius is the saturation S and whose height is the value V. Each of the three coordinates held, the
// other two span a surface, whose points are complex numbers:
//
//   H held: I_h = V + i·S        S held: I_s = S·H + i·V  (S·H: the length of the arc)
//   V held: I_v = S·cos H + i·S·sin H
//
// With M and m the largest and least of red, green and blue: V = M, S = (M - m) / M, 0 for black, and H in [0, 2π) is
// π/3·((g - b) / (M - m) mod 6) where red is the largest, π/3·(2 + (b - r) / (M - m)) where green is and
// π/3·(4 + (r - g) / (M - m)) where blue is (of equal ones the first counts); 0 for grey.
#pragma once

#include <cstdint>

#include "tessera/kernels/context.h"

namespace tessera::kernels {

struct IhsvForward {
  const float* rgb;  // (P, 3) in [0, 1]; what lies outside counts as the nearest of the two
  float* z;          // (P, 6): the real parts of I_h, I_s, I_v, then the imaginary ones
  int64_t P;
};
void ihsv_forward(Context& context, const IhsvForward& args);

// The derivatives of the formulas above; those of S 0 for black, those of H 0 for grey, all 0 of what lies outside
// [0, 1].
struct IhsvBackward {
  const float* dz;   // (P, 6)
  const float* rgb;  // (P, 3)
  Grad drgb;         // (P, 3), not null
  int64_t P;
};
void ihsv_backward(Context& context, const IhsvBackward& args);

}  // namespace tessera::kernels
