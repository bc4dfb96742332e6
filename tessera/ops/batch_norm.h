#pragma once

#include "tessera/core/tensor.h"
#include "tessera/kernels/batch_norm.h"
#include "tessera/ops/activation.h"

namespace tessera::ops {

// What is learnt, and what was counted while learning: (C) each.
struct BatchNormState {
  Tensor gamma, beta;
  Tensor running_mean, running_variance;
};

struct BatchNormOptions {
  float eps = 1e-5f;
  Activation before = Activation::none, activation = Activation::none;  // one of the two at the most
  // In training: the batch's own statistics normalise, and the running ones move by `momentum` towards them (towards
  // the unbiased variance, as in PyTorch). Otherwise the running ones normalise.
  bool training = false;
  float momentum = 0.1f;
};

// Batch normalisation: act(norm(x) + residual), or norm(before(x)) + residual. x (B, …, C), residual as x or undefined
// -> (B, …, C). Training needs at least two values of each channel. See kernels/batch_norm.h.
Tensor batch_norm(const Tensor& x, const BatchNormState& state, const BatchNormOptions& options,
                  const Tensor& residual = {});

// Moves a running statistic of the channels from `first` on towards factor·batch (C'), unless a pass is repeated
// (ops/training.h).
void follow(const Tensor& running, std::span<const float> batch, float momentum, double factor = 1, int64_t first = 0);

// Both statistics of the channels from `first` on, towards those of P pixels, mean and variance (C').
void follow(const BatchNormState& state, float momentum, int64_t P, std::span<const float> mean,
            std::span<const float> variance, int64_t first = 0);

// The same as one multiply-add of each channel, with the running statistics: norm(x + bias) = x·scale + shift, (C)
// each.
struct ChannelAffine {
  Tensor scale, shift;
};
// bias (C) or undefined. Of weights that do not change any more (ops/frozen.h) it is made once.
ChannelAffine folded(const BatchNormState& state, float eps, const Tensor& bias = {});

}  // namespace tessera::ops
