// Patch merging, as the paper's code concatenates: x[0::2, 0::2], x[1::2, 0::2], x[0::2, 1::2], x[1::2, 1::2].
#pragma once

#include "tests/harness/op_case.h"

namespace tessera::test {

// x (B, H·W, C) -> (B, ⌈H/2⌉·⌈W/2⌉, 4·C)
template <class T>
Array<T> ref_merge_patches(const Array<T>& x, int64_t H, int64_t W) {
  const int64_t B = x.size(0), C = x.size(2), gh = (H + 1) / 2, gw = (W + 1) / 2;
  const int64_t firsts[4][2] = {{0, 0}, {1, 0}, {0, 1}, {1, 1}};
  Array<T> y(Shape{B, gh * gw, 4 * C});
  for (int64_t b = 0; b < B; ++b)
    for (int64_t t = 0; t < gh * gw; ++t)
      for (int64_t part = 0; part < 4; ++part)
        for (int64_t c = 0; c < C; ++c) {
          const int64_t row = 2 * (t / gw) + firsts[part][0], column = 2 * (t % gw) + firsts[part][1];
          if (row < H && column < W) y(b, t, part * C + c) = x(b, row * W + column, c);
        }
  return y;
}

}  // namespace tessera::test
