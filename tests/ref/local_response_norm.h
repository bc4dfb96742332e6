// Local response normalisation: Krizhevsky et al. (2012), section 3.3, with PyTorch's α over the mean of the squares.
#pragma once

#include "tessera/kernels/local_response_norm.h"
#include "tests/harness/array.h"

namespace tessera::test {

// x (P, C) -> (P, C)
template <class T>
Array<T> ref_local_response_norm(const Array<T>& x, const kernels::LocalResponse& norm) {
  const int64_t P = x.size(0), C = x.size(1), n = norm.size;
  Array<T> y(x.shape);
  for (int64_t p = 0; p < P; ++p)
    for (int64_t c = 0; c < C; ++c) {
      T sum = T(0);
      for (int64_t i = std::max<int64_t>(c - n / 2, 0); i <= std::min(c + (n - 1) / 2, C - 1); ++i)
        sum += x(p, i) * x(p, i);
      const T scale = T(double(norm.k)) + T(double(norm.alpha) / static_cast<double>(n)) * sum;
      y(p, c) = x(p, c) * exp(T(-double(norm.beta)) * log(scale));
    }
  return y;
}

}  // namespace tessera::test
