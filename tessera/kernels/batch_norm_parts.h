// Batch normalisation of channels that lie in several arrays: what a layer of DenseNet reads is what all layers before
// it gave (Huang et al., "Densely Connected Convolutional Networks", 2017, eq. 2). They are joined on the way:
//
//   y = act(([x_1, …, x_n] - mean)·rstd·gamma + beta),   rstd = 1 / sqrt(variance + eps)
//
// The moments of an array are computed once, for all layers that read it, and gradients flow back through them. So a
// layer's backward goes once over its input, and what the batch's own statistics add to dx is added once for all.
#pragma once

#include <cstdint>
#include <vector>

#include "tessera/kernels/activation.h"

namespace tessera::kernels {

// One array with its place among the channels, and in backward where its gradients go.
struct NormPart {
  const float* x;  // (P, C)
  int64_t C;
  Grad dx = {};        // (P, C)
  Grad dmoments = {};  // (2, C): of the means and of the variances
};

struct BatchNormPartsForward {
  std::vector<NormPart> parts;
  const float* scale;  // (C), C = Σ parts' C: rstd·gamma
  const float* shift;  // (C): beta - mean·rstd·gamma
  float* y;            // (P, C)
  int64_t P, C;
  Activation activation = Activation::none;
};
void batch_norm_parts_forward(Context& context, const BatchNormPartsForward& args);

// With x̂ = (x - mean)·rstd and δ = dy·act'(x̂·gamma + beta):
//   dx = rstd·gamma·δ,   dgamma = Σ δ·x̂,   dbeta = Σ δ
//   dmean = -rstd·gamma·dbeta,   dvariance = -rstd²·gamma·dgamma / 2
struct BatchNormPartsBackward {
  const float* dy;  // (P, C)
  std::vector<NormPart> parts;
  const float* mean;      // (C)
  const float* variance;  // (C)
  const float* gamma;     // (C)
  const float* beta;      // (C)
  Grad dgamma, dbeta;     // (C)
  int64_t P, C;
  float eps;
  Activation activation = Activation::none;
};
void batch_norm_parts_backward(Context& context, const BatchNormPartsBackward& args);

// dx = dmean / P + dvariance·2·(x - mean) / P
struct MomentsBackward {
  const float* dmoments;  // (2, C)
  const float* x;         // (P, C)
  const float* mean;      // (C)
  Grad dx;                // (P, C), not null
  int64_t P, C;
};
void moments_backward(Context& context, const MomentsBackward& args);

}  // namespace tessera::kernels
