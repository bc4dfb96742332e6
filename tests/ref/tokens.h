// Tokens joined and taken apart.
#pragma once

#include <algorithm>

#include "tests/harness/array.h"

namespace tessera::test {

// parts (B or 1, n_i, D) -> (B, Σ n_i, D)
template <class T>
Array<T> ref_concat_tokens(const std::vector<Array<T>>& parts) {
  int64_t B = 1, N = 0;
  for (const auto& part : parts) {
    B = std::max(B, part.size(0));
    N += part.size(1);
  }
  const int64_t D = parts[0].size(2);
  Array<T> y(Shape{B, N, D});
  for (int64_t b = 0; b < B; ++b) {
    int64_t token = 0;
    for (const auto& part : parts)
      for (int64_t n = 0; n < part.size(1); ++n, ++token)
        for (int64_t d = 0; d < D; ++d) y(b, token, d) = part(part.size(0) == 1 ? 0 : b, n, d);
  }
  return y;
}

// x (B, N, D) -> (B, count, D)
template <class T>
Array<T> ref_slice_tokens(const Array<T>& x, int64_t begin, int64_t count) {
  Array<T> y(Shape{x.size(0), count, x.size(2)});
  for (int64_t b = 0; b < x.size(0); ++b)
    for (int64_t n = 0; n < count; ++n)
      for (int64_t d = 0; d < x.size(2); ++d) y(b, n, d) = x(b, begin + n, d);
  return y;
}

}  // namespace tessera::test
