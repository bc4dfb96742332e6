#pragma once

#include "tests/harness/array.h"

namespace tessera::test {

// x (R, n) -> (count, n)
template <class T>
Array<T> ref_rows(const Array<T>& x, int64_t begin, int64_t count) {
  Array<T> y(Shape{count, x.size(1)});
  for (int64_t r = 0; r < count; ++r)
    for (int64_t c = 0; c < x.size(1); ++c) y(r, c) = x(begin + r, c);
  return y;
}

}  // namespace tessera::test
