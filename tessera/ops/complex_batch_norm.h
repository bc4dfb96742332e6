#pragma once

#include <array>

#include "tessera/core/tensor.h"
#include "tessera/kernels/complex_batch_norm.h"
#include "tessera/ops/batch_norm.h"

namespace tessera::ops {

// What is learnt, and what was counted while learning: (C) each. Of the real and the imaginary part; and rr, ri, ii of
// a symmetric matrix.
struct ComplexBatchNormState {
  std::array<Tensor, 3> gamma;
  std::array<Tensor, 2> beta;
  std::array<Tensor, 2> running_mean;
  std::array<Tensor, 3> running_covariance;
};

// Batch normalisation of complex channels in planar halves: act(norm(x) + residual). x (B, …, 2·C), residual as x or
// undefined -> (B, …, 2·C). In training the running statistics move towards the batch's, the covariance towards its
// unbiased one. Training needs at least two values of each channel. See kernels/complex_batch_norm.h.
Tensor complex_batch_norm(const Tensor& x, const ComplexBatchNormState& state, const BatchNormOptions& options,
                          const Tensor& residual = {});

// With the running statistics: the layer before, whose real weights w (2·O, …) and bias (2·O), or undefined, give
// planar halves, with the norm in them.
struct FoldedLayer {
  Tensor w, bias;
};
FoldedLayer folded(const ComplexBatchNormState& state, float eps, const Tensor& w, const Tensor& bias);

}  // namespace tessera::ops
