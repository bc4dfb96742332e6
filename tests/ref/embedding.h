#pragma once

#include "tests/harness/array.h"

namespace tessera::test {

// table (T, D), index (N) -> (N, D); zeros for -1
template <class T>
Array<T> ref_embedding(const Array<T>& table, const std::vector<int32_t>& index) {
  const int64_t N = static_cast<int64_t>(index.size()), D = table.size(1);
  Array<T> y({N, D});
  for (int64_t i = 0; i < N; ++i)
    for (int64_t c = 0; c < D; ++c)
      y(i, c) = index[static_cast<size_t>(i)] < 0 ? T(0) : table(index[static_cast<size_t>(i)], c);
  return y;
}

}  // namespace tessera::test
