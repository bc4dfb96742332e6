// Softmax cross-entropy with label smoothing (Szegedy et al., 2016, section 7) and class weights.
#pragma once

#include "tests/ref/softmax.h"

namespace tessera::test {

// logits (B, K), targets (B, K) before smoothing, weights (K) -> (1). Not divided by anything.
template <class T>
Array<T> ref_cross_entropy_sum(const Array<T>& logits, const Array<double>& targets, const std::vector<double>& weights,
                               double smoothing) {
  const int64_t K = logits.size(1);
  const Array<T> log_p = ref_log_softmax(logits);
  Array<T> loss(Shape{1});
  for (int64_t i = 0; i < logits.shape.numel(); ++i) {
    const double target = (1 - smoothing) * targets[i] + smoothing / static_cast<double>(K);
    loss[0] += -T(weights[static_cast<size_t>(i % K)] * target) * log_p[i];
  }
  return loss;
}

}  // namespace tessera::test
