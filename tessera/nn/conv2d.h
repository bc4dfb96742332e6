// Convolutions and batch normalisation with PyTorch's names: `weight` (O, C/groups, kh, kw) and `bias` (O) of one,
// `weight`, `bias`, `running_mean` and `running_var` (C) of the other.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "tessera/nn/init.h"
#include "tessera/ops/batch_norm_parts.h"
#include "tessera/ops/conv2d.h"

namespace tessera::nn {

using kernels::Activation;

struct Conv2dConfig {
  // PyTorch's "same": ⌊(kernel - 1) / 2⌋ before and the rest of kernel - 1 behind, so that H' is H at stride 1.
  static constexpr int64_t kSame = -1;

  int64_t kernel = 1, stride = 1;
  int64_t padding = 0;  // on all sides, or kSame
  int64_t groups = 1;
  bool bias = false;
  Init weight_init = {};  // kaiming_normal(O·kh·kw / groups) where it is empty
  Init bias_init = {};    // zeros where it is empty
};

class Conv2d : public Module {
 public:
  Conv2d(int64_t in, int64_t out, const Conv2dConfig& config);
  // (B, H, W, in) -> (B, H', W', out), H' = ⌊(H + padding before and behind - kernel) / stride⌋ + 1, W' likewise
  Tensor forward(const Tensor& x) const { return ops::conv2d(x, weight_, bias_, options_); }

  const Tensor& weight() const { return weight_; }
  const Tensor& bias() const { return bias_; }  // undefined where there is none
  const ops::Conv2dOptions& options() const { return options_; }
  // Multiply-adds for a picture of H'×W' outputs.
  int64_t macs(int64_t height, int64_t width) const { return height * width * weight_.numel(); }

 private:
  ops::Conv2dOptions options_;
  Tensor weight_, bias_;
};

struct BatchNormConfig {
  double eps = 1e-5;
  double momentum = 0.1;  // of the running statistics
};

// In training (ops/training.h) the batch's statistics normalise and the running ones follow, unless the layer's weights
// are frozen; otherwise the running ones normalise.
class BatchNorm2d : public Module {
 public:
  explicit BatchNorm2d(int64_t C, const BatchNormConfig& config = {});
  // act(norm(x) + residual): (B, …, C) -> (B, …, C)
  Tensor forward(const Tensor& x, Activation activation = Activation::none, const Tensor& residual = {}) const;
  // Of channels that lie in several tensors, (B, …, C_i) -> (B, …, C); where this counts(), they need moments.
  Tensor forward(const std::vector<ops::NormPart>& parts, Activation activation) const;
  int64_t channels() const { return state_.gamma.numel(); }
  // norm(act(x)) + residual
  Tensor forward_behind(Activation activation, const Tensor& x, const Tensor& residual = {}) const;
  // With the running statistics, of x + bias: x·scale + shift.
  ops::ChannelAffine folded(const Tensor& bias = {}) const { return ops::folded(state_, eps_, bias); }
  bool counts() const;  // whether this is training, and not of frozen weights

 private:
  ops::BatchNormOptions options(Activation activation) const {
    return {.eps = eps_, .activation = activation, .training = counts(), .momentum = momentum_};
  }

  float eps_, momentum_;
  ops::BatchNormState state_;
};

// act(norm(conv(x)) + residual). Where the weights do not change any more (ops/frozen.h), one convolution with the norm
// in its weights and the rest in its epilogue; `residual` is then overwritten if this was its last handle.
// x (B, H, W, C) -> (B, H', W', O)
Tensor conv_norm(const Conv2d& conv, const BatchNorm2d& norm, const Tensor& x, Activation activation = Activation::none,
                 Tensor residual = {});

// Of a ConvNorm's members, which stand among its parent's where it is added without a name.
struct ConvNormNames {
  std::string conv = "conv", norm = "bn";
};

// The layer that most networks consist of: act(norm(conv(x)) + residual).
class ConvNorm : public Module {
 public:
  ConvNorm(int64_t in, int64_t out, const Conv2dConfig& conv, const ConvNormNames& names = {},
           Activation activation = Activation::relu, const BatchNormConfig& norm = {});
  // (B, H, W, in) -> (B, H', W', out). A residual's last handle, moved in, lets the sum take its place (conv_norm).
  Tensor forward(const Tensor& x, Tensor residual = {}) const {
    return conv_norm(conv_, norm_, x, activation_, std::move(residual));
  }
  const Conv2d& conv() const { return conv_; }
  const BatchNorm2d& norm() const { return norm_; }

 private:
  Conv2d conv_;
  BatchNorm2d norm_;
  Activation activation_;
};

// norm(act(conv(x))) + residual, likewise, but the residual stays as it is.
Tensor conv_act_norm(const Conv2d& conv, const BatchNorm2d& norm, const Tensor& x, Activation activation,
                     const Tensor& residual = {});

// act(conv(x)), likewise.
Tensor conv_act(const Conv2d& conv, const Tensor& x, Activation activation);

}  // namespace tessera::nn
