// Batch normalisation of complex channels: Trabelsi et al., "Deep Complex Networks" (2018), section 3.5. A channel's
// real and imaginary parts are whitened together, so that they have unit variance and no correlation:
//
//   y = act(Γ·V^(-1/2)·(z - μ) + β + residual),   Γ = ⎡ γrr γri ⎤,   V = ⎡ Vrr Vri ⎤ + eps·I
//                                                     ⎣ γri γii ⎦        ⎣ Vri Vii ⎦
//
// z as a vector (re, im). μ and V of each channel are those of all pixels of the batch (in training), or given (running
// averages). With s = √det V and t = √(tr V + 2·s), V^(1/2) = (V + s·I) / t, and V^(-1/2) is its inverse.
#pragma once

#include <array>
#include <cstdint>

#include "tessera/kernels/activation.h"

namespace tessera::kernels {

struct ComplexBatchNormShape {
  int64_t P, C;  // pixels of the whole batch, complex channels: rows of C real parts, then C imaginary ones
};

// (C) each: of the real and of the imaginary part; and rr, ri, ii of a symmetric matrix.
using ComplexChannels = std::array<const float*, 2>;
using SymmetricChannels = std::array<const float*, 3>;

// The batch's own statistics. Σ in double; the bits depend on the shape and the number of threads alone.
struct ComplexBatchStatistics {
  const float* x;                    // (P, 2·C)
  std::array<float*, 2> mean;        // (C) each
  std::array<float*, 3> covariance;  // (C) each, biased: over P, without eps
  ComplexBatchNormShape shape;
};
void complex_batch_statistics(Context& context, const ComplexBatchStatistics& args);

struct ComplexBatchNormForward {
  const float* x;                   // (P, 2·C)
  ComplexChannels mean;             // μ
  SymmetricChannels covariance;     // V without eps
  SymmetricChannels gamma;          // Γ
  ComplexChannels beta;             // β
  const float* residual = nullptr;  // (P, 2·C), or null
  float* y;                         // (P, 2·C), may be x or residual
  ComplexBatchNormShape shape;
  float eps;
  Activation activation = Activation::none;  // of each part; relu: CReLU
};
void complex_batch_norm_forward(Context& context, const ComplexBatchNormForward& args);

// With c = z - μ, W = V^(-1/2), n = W·c, δ = dy·act'(Γ·n + β + residual) and means over the pixels:
//   dβ = Σ δ,  dγrr = Σ δr·nr,  dγri = Σ (δr·ni + δi·nr),  dγii = Σ δi·ni,  dresidual = δ
//   dz = W·Γ·δ with given statistics; with the batch's own, W·Γ·(δ - mean(δ)) + 2·K·c, where K = ∂loss/∂V / P:
//   K = -W·X·W, and X solves V^(1/2)·X + X·V^(1/2) = the symmetric part of Γ·mean(δ·cᵀ)
// (from W·V·W = I, whose differential is dW·V^(1/2) + V^(1/2)·dW = -W·dV·W).
struct ComplexBatchNormBackward {
  const float* dy;       // (P, 2·C)
  const float* x;        // (P, 2·C)
  ComplexChannels mean;  // as forward, and what follows
  SymmetricChannels covariance;
  SymmetricChannels gamma;
  ComplexChannels beta;
  const float* residual = nullptr;  // (P, 2·C), or null
  Grad dx, dresidual;               // (P, 2·C)
  std::array<Grad, 3> dgamma;       // (C) each
  std::array<Grad, 2> dbeta;        // (C) each
  ComplexBatchNormShape shape;
  float eps;
  Activation activation = Activation::none;
  bool own_statistics = true;  // of the batch
};
void complex_batch_norm_backward(Context& context, const ComplexBatchNormBackward& args);

// The same as a matrix of each channel: norm(z) = A·z + shift. For use, when it can go into the layer before.
struct ComplexAffine {
  double rr, ri, ir, ii;          // A = Γ·V^(-1/2)
  double shift_real, shift_imag;  // β - A·μ
};
// Of channel c.
ComplexAffine complex_affine(const ComplexChannels& mean, const SymmetricChannels& covariance,
                             const SymmetricChannels& gamma, const ComplexChannels& beta, float eps, int64_t c);

}  // namespace tessera::kernels
