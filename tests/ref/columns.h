#pragma once

#include "tests/harness/array.h"

namespace tessera::test {

// x (rows, D) -> (rows, count)
template <class T>
Array<T> ref_columns(const Array<T>& x, int64_t begin, int64_t count) {
  Array<T> y({x.size(0), count});
  for (int64_t r = 0; r < x.size(0); ++r)
    for (int64_t c = 0; c < count; ++c) y(r, c) = x(r, begin + c);
  return y;
}

}  // namespace tessera::test
