// Softmax over the last axis, and its logarithm.
#pragma once

#include "tests/harness/array.h"

namespace tessera::test {

// x (…, D) -> (…, D)
template <class T>
Array<T> ref_log_softmax(const Array<T>& x) {
  const int64_t D = x.size(-1);
  Array<T> y(x.shape);
  for (int64_t first = 0; first < x.shape.numel(); first += D) {
    T peak = x[first], sum = 0;
    for (int64_t i = first; i < first + D; ++i) peak = x[i] > peak ? x[i] : peak;
    for (int64_t i = first; i < first + D; ++i) sum += exp(x[i] - peak);
    for (int64_t i = first; i < first + D; ++i) y[i] = (x[i] - peak) - log(sum);
  }
  return y;
}

template <class T>
Array<T> ref_softmax(const Array<T>& x) {
  Array<T> y = ref_log_softmax(x);
  for (T& v : y.data) v = exp(v);
  return y;
}

}  // namespace tessera::test
