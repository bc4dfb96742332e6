// SwiGLU's gate: Shazeer, "GLU Variants Improve Transformer" (2020), eq. 6.
#pragma once

#include "tests/harness/array.h"

namespace tessera::test {

// silu(g)·x
template <class T>
Array<T> ref_swiglu(const Array<T>& g, const Array<T>& x) {
  Array<T> y(g.shape);
  for (int64_t i = 0; i < g.shape.numel(); ++i) y[i] = g[i] / (T(1) + exp(-g[i])) * x[i];
  return y;
}

// Rows of [g | x].
template <class T>
Array<T> ref_swiglu(const Array<T>& packed) {
  Shape half = packed.shape;
  half[-1] /= 2;
  Array<T> g(half), x(half);
  const int64_t N = half[-1];
  for (int64_t i = 0; i < half.numel(); ++i) {
    g[i] = packed[i / N * 2 * N + i % N];
    x[i] = packed[i / N * 2 * N + N + i % N];
  }
  return ref_swiglu(g, x);
}

}  // namespace tessera::test
