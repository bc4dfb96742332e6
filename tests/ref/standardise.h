// Weight standardisation: Qiao et al. (2019), eq. 4, with either place of epsilon.
#pragma once

#include "tests/harness/array.h"

namespace tessera::test {

// w (O, K) -> (O, K)
template <class T>
Array<T> ref_standardise(const Array<T>& w, double eps, bool on_variance) {
  const int64_t O = w.size(0), K = w.size(1);
  const T n = T(static_cast<double>(K));
  Array<T> y(w.shape);
  for (int64_t o = 0; o < O; ++o) {
    T mean = 0, variance = 0;
    for (int64_t k = 0; k < K; ++k) mean += w(o, k) / n;
    for (int64_t k = 0; k < K; ++k) variance += (w(o, k) - mean) * (w(o, k) - mean) / n;
    const T divisor = on_variance ? sqrt(variance + T(eps)) : sqrt(variance) + T(eps);
    for (int64_t k = 0; k < K; ++k) y(o, k) = (w(o, k) - mean) / divisor;
  }
  return y;
}

}  // namespace tessera::test
