// The gate of SwiGLU: Shazeer, "GLU Variants Improve Transformer" (2020), eq. 6, between its linear layers.
//
//   y = silu(g)·x,   silu(g) = g·σ(g) = g / (1 + e^-g)
#pragma once

#include <cstdint>

#include "tessera/kernels/context.h"
#include "tessera/kernels/elements.h"

namespace tessera::kernels {

// g and x: rows of N elements whose beginnings are `row` elements apart, so that both can lie in one (rows, 2·N) array.
struct SwigluForward {
  ConstElements g, x;  // of one type
  Elements y;          // (rows, N)
  int64_t rows, N, row;
};
void swiglu_forward(Context& context, const SwigluForward& args);

// dg = dy·x·silu'(g),   dx = dy·silu(g),   silu'(g) = σ(g) + g·σ(g)·(1 - σ(g))
struct SwigluBackward {
  const float* dy;     // (rows, N)
  ConstElements g, x;  // of one type
  Grad dg, dx;         // rows as those of g and x
  int64_t rows, N, row;
};
void swiglu_backward(Context& context, const SwigluBackward& args);

}  // namespace tessera::kernels
