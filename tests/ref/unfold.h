// Pictures as rows of patches, columns ordered as a convolution's weight.
#pragma once

#include "tests/harness/array.h"

namespace tessera::test {

// x (B, H, W, C) -> (B, ⌊H/Ph⌋·⌊W/Pw⌋, C·Ph·Pw)
template <class T>
Array<T> ref_unfold(const Array<T>& x, int64_t Ph, int64_t Pw) {
  const int64_t B = x.size(0), gh = x.size(1) / Ph, gw = x.size(2) / Pw, C = x.size(3);
  Array<T> y(Shape{B, gh * gw, C * Ph * Pw});
  for (int64_t b = 0; b < B; ++b)
    for (int64_t gy = 0; gy < gh; ++gy)
      for (int64_t gx = 0; gx < gw; ++gx)
        for (int64_t c = 0; c < C; ++c)
          for (int64_t py = 0; py < Ph; ++py)
            for (int64_t px = 0; px < Pw; ++px)
              y(b, gy * gw + gx, (c * Ph + py) * Pw + px) = x(b, gy * Ph + py, gx * Pw + px, c);
  return y;
}

}  // namespace tessera::test
