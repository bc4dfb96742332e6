// Binary cross-entropy: -t·log σ(x)·w - (1 - t)·log(1 - σ(x)), summed.
#pragma once

#include "tests/harness/array.h"

namespace tessera::test {

// log(1 + e^x), for any x
template <class T>
T ref_softplus(const T& x) {
  const bool positive = x > T(0);
  return (positive ? x : T(0)) + log(T(1) + exp(positive ? -x : x));
}

// logits (B, K), targets (B, K), weights (K) of positives -> (1). Not divided by anything.
template <class T>
Array<T> ref_binary_cross_entropy_sum(const Array<T>& logits, const std::vector<double>& targets,
                                      const std::vector<double>& weights) {
  Array<T> loss(Shape{1});
  for (int64_t i = 0; i < logits.shape.numel(); ++i) {
    const double t = targets[static_cast<size_t>(i)], w = weights[static_cast<size_t>(i % logits.size(1))];
    loss[0] += T(t * w) * ref_softplus(-logits[i]) + T(1 - t) * ref_softplus(logits[i]);
  }
  return loss;
}

}  // namespace tessera::test
