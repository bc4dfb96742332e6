// Layer scale: Touvron et al. (2021), eq. 4.
#pragma once

#include "tests/harness/array.h"

namespace tessera::test {

// x (…, D), gamma (D) -> (…, D)
template <class T>
Array<T> ref_scale(const Array<T>& x, const Array<T>& gamma) {
  Array<T> y(x.shape);
  for (int64_t i = 0; i < x.shape.numel(); ++i) y[i] = x[i] * gamma[i % gamma.size(0)];
  return y;
}

}  // namespace tessera::test
