// The block of MobileNetV2 and EfficientNet: Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks"
// (CVPR 2018), figure 3 and table 1; with a gate, MBConv of Tan et al., "MnasNet" (CVPR 2019), figure 7.
#pragma once

#include <optional>
#include <string>

#include "tessera/nn/conv2d.h"
#include "tessera/nn/linear.h"

namespace tessera::nn {

// Hu et al., "Squeeze-and-Excitation Networks" (CVPR 2018), section 3: each channel times a number in (0, 1) that
// follows from the means of all channels. torchvision's names: `fc1` and `fc2` with weights (out, in, 1, 1).
class SqueezeExcitation : public Module {
 public:
  // C channels, which are squeezed to so many, with this activation between the two layers.
  SqueezeExcitation(int64_t C, int64_t squeezed, Activation activation = Activation::silu);
  // (B, H, W, C) -> (B, H, W, C). Where x's last handle is moved in, inference overwrites it.
  Tensor forward(Tensor x) const;
  const Conv2d& fc1() const { return fc1_; }
  const Conv2d& fc2() const { return fc2_; }

 private:
  Conv2d fc1_, fc2_;
  Activation activation_;
};

struct InvertedResidualConfig {
  int64_t in, expanded, out;
  int64_t kernel = 3, stride = 1;  // of the depthwise convolution
  Activation activation = Activation::relu6;
  int64_t squeezed = 0;  // channels within the gate; 0: no gate
  double drop_path = 0;  // stochastic depth of the residual branch
  BatchNormConfig norm = {};
  std::string sequence = "conv";  // what the parts are called, with their numbers behind it
  bool bare_projection = true;    // the projection's convolution and norm are parts of the sequence themselves
};

// Expansion 1×1 (where there is one), depthwise convolution, gate, linear projection 1×1; and x added, where it has the
// result's shape.
class InvertedResidual : public Module {
 public:
  explicit InvertedResidual(const InvertedResidualConfig& config);
  // (B, H, W, in) -> (B, ⌈H/stride⌉, ⌈W/stride⌉, out)
  Tensor forward(Tensor x) const;

  const std::optional<ConvNorm>& expand() const { return expand_; }
  const ConvNorm& depthwise() const { return *depthwise_; }
  const std::optional<SqueezeExcitation>& gate() const { return gate_; }
  const ConvNorm& project() const { return *project_; }

 private:
  bool residual_;
  float drop_path_;
  std::optional<ConvNorm> expand_, depthwise_;
  std::optional<SqueezeExcitation> gate_;
  std::optional<ConvNorm> project_;
};

// The multiple of `divisor` that is nearest to C, and not less than nine tenths of it.
int64_t make_divisible(double C, int64_t divisor = 8);

}  // namespace tessera::nn
