// A fully connected layer: y = act(x·wᵀ + bias) + residual.
#pragma once

#include "tests/ref/activation.h"

namespace tessera::test {

// x (…, K), w (N, K), bias (N) or null, residual (…, N) or null -> (…, N)
template <class T>
Array<T> ref_linear(const Array<T>& x, const Array<T>& w, const Array<T>* bias, const Array<T>* residual,
                    kernels::Activation activation) {
  const int64_t N = w.size(0), K = w.size(1), rows = x.shape.numel() / K;
  Shape shape = x.shape;
  shape[-1] = N;
  Array<T> y(shape);
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t n = 0; n < N; ++n) {
      T sum = bias ? (*bias)[n] : T(0);
      for (int64_t k = 0; k < K; ++k) sum += x[r * K + k] * w[n * K + k];
      y[r * N + n] = ref_activate(sum, activation) + (residual ? (*residual)[r * N + n] : T(0));
    }
  }
  return y;
}

}  // namespace tessera::test
