// Batch normalisation of channels: Ioffe and Szegedy, "Batch Normalization" (2015), algorithms 1 and 2.
//
//   y = act((x - mean)·rstd·gamma + beta + residual),   rstd = 1 / sqrt(variance + eps)
//
// mean and variance of each channel are those of all pixels of the batch (in training), or given (running averages).
// Where the activation stands before the norm, `before`(x) is normalised in the place of x, and act is the identity.
#pragma once

#include <cmath>
#include <cstdint>

#include "tessera/kernels/activation.h"

namespace tessera::kernels {

struct BatchNormShape {
  int64_t P, C;  // pixels of the whole batch, channels
};

// What the norm makes of a channel: x·scale + shift, before the residual and the activation.
struct NormAffine {
  double rstd, scale, shift;
};
inline NormAffine norm_affine(double mean, double variance, double gamma, double beta, double eps) {
  const double rstd = 1 / std::sqrt(variance + eps), scale = rstd * gamma;
  return {rstd, scale, beta - mean * scale};
}

// The batch's own statistics. Σ in double; the bits depend on the shape and the number of threads alone.
struct BatchStatistics {
  const float* x;   // (P, C)
  float* mean;      // (C)
  float* variance;  // (C), biased: over P
  BatchNormShape shape;
  Activation before = Activation::none;
};
void batch_statistics(Context& context, const BatchStatistics& args);

struct BatchNormForward {
  const float* x;                   // (P, C)
  const float* mean;                // (C)
  const float* variance;            // (C)
  const float* gamma;               // (C)
  const float* beta;                // (C)
  const float* residual = nullptr;  // (P, C), or null
  float* y;                         // (P, C), may be x or residual
  BatchNormShape shape;
  float eps;
  Activation before = Activation::none, activation = Activation::none;  // one of the two at the most
};
void batch_norm_forward(Context& context, const BatchNormForward& args);

// With x̂ = (x - mean)·rstd, δ = dy·act'(x̂·gamma + beta + residual) and means over the pixels:
//   dx = rstd·gamma·(δ - mean(δ) - x̂·mean(δ·x̂)) with the batch's own statistics, rstd·gamma·δ with given ones
//   dgamma = Σ δ·x̂,   dbeta = Σ δ,   dresidual = δ
// With `before`, x̂ is of before(x), and dx times before'(x).
struct BatchNormBackward {
  const float* dy;                  // (P, C)
  const float* x;                   // (P, C)
  const float* mean;                // (C)
  const float* variance;            // (C)
  const float* gamma;               // (C)
  const float* beta;                // (C)
  const float* residual = nullptr;  // (P, C), or null
  Grad dx, dresidual;               // (P, C)
  Grad dgamma, dbeta;               // (C)
  BatchNormShape shape;
  float eps;
  Activation before = Activation::none, activation = Activation::none;  // one of the two at the most
  bool own_statistics = true;                                           // of the batch
};
void batch_norm_backward(Context& context, const BatchNormBackward& args);

}  // namespace tessera::kernels
