// Group normalisation: Wu and He (2018), eq. 1 and 7.
#pragma once

#include "tests/harness/array.h"

namespace tessera::test {

// x (B, P, C), gamma (C), beta (C) -> (B, P, C)
template <class T>
Array<T> ref_group_norm(const Array<T>& x, const Array<T>& gamma, const Array<T>& beta, int64_t groups, double eps,
                        bool relu) {
  const int64_t B = x.size(0), P = x.size(1), C = x.size(2), width = C / groups;
  const T n = T(static_cast<double>(P * width));
  Array<T> y(x.shape);
  for (int64_t b = 0; b < B; ++b)
    for (int64_t first = 0; first < C; first += width) {
      T mean = 0, variance = 0;
      for (int64_t p = 0; p < P; ++p)
        for (int64_t c = first; c < first + width; ++c) mean += x(b, p, c) / n;
      for (int64_t p = 0; p < P; ++p)
        for (int64_t c = first; c < first + width; ++c) variance += (x(b, p, c) - mean) * (x(b, p, c) - mean) / n;
      for (int64_t p = 0; p < P; ++p)
        for (int64_t c = first; c < first + width; ++c) {
          const T value = (x(b, p, c) - mean) / sqrt(variance + T(eps)) * gamma[c] + beta[c];
          y(b, p, c) = relu && value < T(0) ? T(0) : value;
        }
    }
  return y;
}

}  // namespace tessera::test
