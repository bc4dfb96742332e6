// Complex-valued layers: Trabelsi et al., "Deep Complex Networks" (ICLR 2018), https://arxiv.org/abs/1705.09792.
//
// A map of C complex channels is planar: (B, H, W, 2·C), the real parts of all channels, then the imaginary ones. So a
// complex convolution or linear layer is one real one of twice the width (kernels/complex_block.h), and what works on
// each part by itself (CReLU, average pooling, an ordinary batch norm) is the real operation as it is. Channels and
// widths below count complex numbers; parameters count real ones, two for a complex weight.
#pragma once

#include "tessera/nn/conv2d.h"
#include "tessera/ops/complex_activation.h"
#include "tessera/ops/complex_batch_norm.h"

namespace tessera::nn {

using kernels::ComplexActivation;

// Cross-correlation without conjugation. Names: `weight_real`, `weight_imag` (O, C, kh, kw), `bias_real`, `bias_imag`
// (O). They start as Trabelsi et al. (section 3.6), with He's variance, 2 / (C·kh·kw).
class ComplexConv2d : public Module {
 public:
  ComplexConv2d(int64_t in, int64_t out, const Conv2dConfig& config);  // of it not groups and weight_init
  // (B, H, W, 2·in) -> (B, H', W', 2·out), H' = ⌊(H + 2·padding - kernel) / stride⌋ + 1, W' likewise
  Tensor forward(const Tensor& x) const { return ops::conv2d(x, weight(), bias(), options_); }

  Tensor weight() const;  // of the real convolution: (2·out, 2·in, kh, kw)
  Tensor bias() const;    // (2·out), or undefined where there is none
  // With the norm of its outputs in them, for use.
  Tensor folded_weight(const ops::ComplexBatchNormState& norm, float eps) const;
  Tensor folded_bias(const ops::ComplexBatchNormState& norm, float eps) const;
  const ops::Conv2dOptions& options() const { return options_; }
  // Real multiply-adds for a picture of H'×W' outputs: four of each complex one.
  int64_t macs(int64_t height, int64_t width) const { return 4 * height * width * weight_real_.numel(); }

 private:
  ops::Conv2dOptions options_;
  Tensor weight_real_, weight_imag_, bias_real_, bias_imag_;
};

// W·z + b without conjugation. Names: `weight_real`, `weight_imag` (out, in), `bias_real`, `bias_imag` (out). Weights
// start as those of the convolution, with Glorot's variance, 2 / (in + out).
class ComplexLinear : public Module {
 public:
  ComplexLinear(int64_t in, int64_t out);
  // (B, 2·in) -> (B, 2·out)
  Tensor forward(const Tensor& x) const;
  // Of maps flattened in PyTorch's order (C, H, W), in = C·H·W: a convolution of the map's size, as FCCNs have it.
  // (B, H, W, 2·C) -> (B, 2·out)
  Tensor forward_maps(const Tensor& x) const;

 private:
  Tensor weight_real_, weight_imag_, bias_real_, bias_imag_;
};

// The 2×2 whitening of kernels/complex_batch_norm.h. Names, (C) each: `weight_rr`, `weight_ri`, `weight_ii` (Γ),
// `bias_real`, `bias_imag` (β); statistics `running_mean_real`, `running_mean_imag`, `running_cov_rr`,
// `running_cov_ri`, `running_cov_ii`. The diagonals of Γ and of the running covariance start at 1/√2, all else at 0.
class ComplexBatchNorm2d : public Module {
 public:
  explicit ComplexBatchNorm2d(int64_t C, const BatchNormConfig& config = {});
  // act(norm(x) + residual): (B, …, 2·C) -> (B, …, 2·C); relu is CReLU
  Tensor forward(const Tensor& x, Activation activation = Activation::none, const Tensor& residual = {}) const;
  const ops::ComplexBatchNormState& state() const { return state_; }
  float eps() const { return eps_; }
  bool counts() const;  // whether this is training, and not of frozen weights

 private:
  float eps_, momentum_;
  ops::ComplexBatchNormState state_;
};

// An activation with its parameter, where it has one: modrelu `bias` (C), from 0; cprelu `weight` (2), the slopes of
// the real and the imaginary part, from 0.25.
class ComplexActivate : public Module {
 public:
  ComplexActivate(int64_t C, ComplexActivation activation);
  // (B, …, 2·C) -> (B, …, 2·C)
  Tensor forward(const Tensor& x) const { return ops::complex_activate(x, activation_, parameter_); }

 private:
  ComplexActivation activation_;
  Tensor parameter_;
};

// act(norm(conv(x))), one convolution where the weights do not change any more. The norm may also be an ordinary one of
// the 2·O parts, each by itself. x (B, H, W, 2·C) -> (B, H', W', 2·O)
Tensor conv_norm(const ComplexConv2d& conv, const ComplexBatchNorm2d& norm, const Tensor& x, Activation activation);
Tensor conv_norm(const ComplexConv2d& conv, const BatchNorm2d& norm, const Tensor& x, Activation activation);

// Offers both parts of z (…, 2·C) by themselves, as the taps `<name>.real` and `<name>.imag` (…, C).
void tap_parts(const std::string& name, const Tensor& z);

}  // namespace tessera::nn
