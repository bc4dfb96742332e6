#pragma once

#include "tessera/core/tensor.h"

namespace tessera::ops {

struct CrossEntropyOptions {
  float smoothing = 0;        // in [0, 1]: this share of the target is spread evenly over the classes
  Tensor class_weights = {};  // (K), or undefined: all 1
  // What the sum over the batch is divided by. 0: the sum of the labels' class weights (with soft targets, the size of
  // the batch). Parts of an accumulated batch give the divisor of the whole batch, so that they sum to its mean.
  double divisor = 0;
};

// Softmax cross-entropy, averaged over the batch. See kernels/cross_entropy.h.
// logits (B, K), labels i64 (B) in [0, K) -> (1)
Tensor cross_entropy(const Tensor& logits, const Tensor& labels, const CrossEntropyOptions& options = {});
// logits (B, K), targets (B, K), rows of which sum to 1 -> (1). No gradient goes to the targets.
Tensor soft_cross_entropy(const Tensor& logits, const Tensor& targets, const CrossEntropyOptions& options = {});

}  // namespace tessera::ops
