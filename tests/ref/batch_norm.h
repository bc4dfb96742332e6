// Batch normalisation: Ioffe and Szegedy (2015), algorithms 1 and 2.
#pragma once

#include "tests/ref/activation.h"

namespace tessera::test {

// x (P, C), gamma, beta (C); mean, variance (C), or null for those of x; residual (P, C) or null -> (P, C)
template <class T>
Array<T> ref_batch_norm(Array<T> x, const Array<T>& gamma, const Array<T>& beta, const Array<T>* mean,
                        const Array<T>* variance, const Array<T>* residual, double eps,
                        kernels::Activation before, kernels::Activation activation) {
  x = ref_activate(std::move(x), before);
  const int64_t P = x.size(0), C = x.size(1);
  const T n = T(static_cast<double>(P));
  Array<T> y(x.shape);
  for (int64_t c = 0; c < C; ++c) {
    T m = 0, v = 0;
    for (int64_t p = 0; p < P && !mean; ++p) m += x(p, c) / n;
    for (int64_t p = 0; p < P && !mean; ++p) v += (x(p, c) - m) * (x(p, c) - m) / n;
    if (mean) m = (*mean)[c], v = (*variance)[c];
    for (int64_t p = 0; p < P; ++p) {
      const T normed = (x(p, c) - m) / sqrt(v + T(eps)) * gamma[c] + beta[c];
      y(p, c) = ref_activate(residual ? normed + (*residual)(p, c) : normed, activation);
    }
  }
  return y;
}

}  // namespace tessera::test
