// The real matrix of a complex one. Complex arrays are planar here: the last axis holds C real parts, then C imaginary
// ones. Without conjugation, (Wr + i·Wi)·(x + i·y) is one real product of twice the extents:
//
//   ⎡ re ⎤   ⎡ Wr  -Wi ⎤ ⎡ x ⎤
//   ⎣ im ⎦ = ⎣ Wi   Wr ⎦·⎣ y ⎦
//
// so a complex layer runs in the real product or convolution that is fast already: 4 real multiply-adds for each
// complex one. Gauss's trick needs 3, k1 = Wr·(x + y), k2 = x·(Wi - Wr), k3 = y·(Wr + Wi), re = k1 - k3, im = k1 + k2,
// but in three products of half the width with sums of maps around them: a seventh of the time less, measured, for
// halves that lie apart, sums that round, and norms that cannot be folded in (docs/complex.md).
#pragma once

#include <cstdint>

#include "tessera/kernels/context.h"

namespace tessera::kernels {

struct ComplexBlockShape {
  int64_t O, C, area;  // outputs, inputs, elements of each of their kernels (1: a matrix)
};

struct ComplexBlockForward {
  const float* re;  // (O, C, area)
  const float* im;  // (O, C, area)
  float* w;         // (2·O, 2·C, area)
  ComplexBlockShape shape;
};
void complex_block_forward(Context& context, const ComplexBlockForward& args);

// dre = dw[0][0] + dw[1][1],   dim = dw[1][0] - dw[0][1], with dw in blocks of (O, C, area)
struct ComplexBlockBackward {
  const float* dw;  // (2·O, 2·C, area)
  Grad dre, dim;    // (O, C, area)
  ComplexBlockShape shape;
};
void complex_block_backward(Context& context, const ComplexBlockBackward& args);

}  // namespace tessera::kernels
