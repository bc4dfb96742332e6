// Flattening in PyTorch's order.
#pragma once

#include "tests/harness/array.h"

namespace tessera::test {

// x (B, H, W, C) -> (B, C·H·W)
template <class T>
Array<T> ref_flatten(const Array<T>& x) {
  const int64_t B = x.size(0), H = x.size(1), W = x.size(2), C = x.size(3);
  Array<T> y(Shape{B, C * H * W});
  for (int64_t b = 0; b < B; ++b)
    for (int64_t h = 0; h < H; ++h)
      for (int64_t w = 0; w < W; ++w)
        for (int64_t c = 0; c < C; ++c) y(b, (c * H + h) * W + w) = x(b, h, w, c);
  return y;
}

}  // namespace tessera::test
