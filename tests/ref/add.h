// Sums: of two tensors, and of each sample with the same positions.
#pragma once

#include "tests/harness/array.h"

namespace tessera::test {

// a (samples, …), b (…) of every sample, or of a's shape
template <class T>
Array<T> ref_add(const Array<T>& a, const Array<T>& b) {
  Array<T> y(a.shape);
  for (int64_t i = 0; i < a.shape.numel(); ++i) y[i] = a[i] + b[i % b.shape.numel()];
  return y;
}

}  // namespace tessera::test
