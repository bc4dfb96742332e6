#pragma once

#include "tessera/core/tensor.h"

namespace tessera::ops {

struct BinaryCrossEntropyOptions {
  Tensor positive_weights = {};  // (K): what a positive of each class weighs; undefined: all 1
  // What the sum over batch and classes is divided by; 0: their number. Parts of an accumulated batch give the divisor
  // of the whole batch, so that they sum to its mean.
  double divisor = 0;
};

// Every class a question of its own (Beyer et al., "Are we done with ImageNet?", 2020; Wightman et al., "ResNet strikes
// back", 2021). See kernels/binary_cross_entropy.h.
// logits (B, K), targets (B, K) in [0, 1] -> (1). No gradient goes to the targets.
Tensor binary_cross_entropy(const Tensor& logits, const Tensor& targets, const BinaryCrossEntropyOptions& options = {});

}  // namespace tessera::ops
