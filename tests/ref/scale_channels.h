// Squeeze-and-excitation's gate: Hu et al. (2018), eq. 4.
#pragma once

#include "tests/harness/array.h"

namespace tessera::test {

// x (B, H, W, C), gate (B, C) -> (B, H, W, C)
template <class T>
Array<T> ref_scale_channels(const Array<T>& x, const Array<T>& gate) {
  Array<T> y(x.shape);
  for (int64_t b = 0; b < x.size(0); ++b)
    for (int64_t h = 0; h < x.size(1); ++h)
      for (int64_t w = 0; w < x.size(2); ++w)
        for (int64_t c = 0; c < x.size(3); ++c) y(b, h, w, c) = x(b, h, w, c) * gate(b, c);
  return y;
}

}  // namespace tessera::test
