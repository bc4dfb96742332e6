// Layer normalisation over the last axis: Ba et al. (2016), eq. 4.
#pragma once

#include "tests/harness/array.h"

namespace tessera::test {

// x (…, D), gamma (D), beta (D) -> (…, D)
template <class T>
Array<T> ref_layer_norm(const Array<T>& x, const Array<T>& gamma, const Array<T>& beta, double eps) {
  const int64_t D = x.size(-1), rows = x.shape.numel() / D;
  Array<T> y(x.shape);
  for (int64_t r = 0; r < rows; ++r) {
    T mean = 0, variance = 0;
    for (int64_t i = 0; i < D; ++i) mean += x[r * D + i] / T(D);
    for (int64_t i = 0; i < D; ++i) variance += (x[r * D + i] - mean) * (x[r * D + i] - mean) / T(D);
    for (int64_t i = 0; i < D; ++i) y[r * D + i] = (x[r * D + i] - mean) / sqrt(variance + T(eps)) * gamma[i] + beta[i];
  }
  return y;
}

}  // namespace tessera::test
