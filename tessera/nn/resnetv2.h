// The residual network that hybrid Vision Transformers cut their patches from: ResNetV2 as in BiT (Kolesnikov et al.,
// "Big Transfer", 2020), with group normalisation, weight-standardised convolutions and padding as TensorFlow's SAME,
// but with norms behind the convolutions. Dosovitskiy et al. (2021), section 3.1, "Hybrid Architecture".
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tessera/nn/init.h"
#include "tessera/ops/conv2d.h"
#include "tessera/ops/standardise.h"

namespace tessera::nn {

struct ResNetV2Config {
  int64_t channels = 3;         // of the picture
  int64_t stem = 64;            // width of the root
  std::vector<int64_t> layers;  // units of each stage; none: the root alone
  std::vector<int64_t> widths;  // channels that each stage gives
  double norm_eps = 1e-5;
  double standard_eps = 1e-8;
  ops::EpsilonOn epsilon_on = ops::EpsilonOn::variance;

  static constexpr int64_t kGroups = 32;     // of every norm
  static constexpr int64_t kBottleneck = 4;  // a unit's channels over those within it

  int64_t out_channels() const { return layers.empty() ? stem : widths.back(); }
  // Rows or columns that come out of so many: halved, rounded up, by the root's convolution, its pooling, and each
  // stage but the first.
  int64_t reduced(int64_t extent) const;
  int64_t reduction() const;  // of large pictures
};

// A weight-standardised convolution with a square kernel, without a bias, and SAME padding: ⌈H/stride⌉×⌈W/stride⌉
// windows, and where the padding is odd, one more row below and one more column at the right.
class StandardConv2d : public Module {
 public:
  StandardConv2d(int64_t in, int64_t out, int64_t kernel, int64_t stride, const ResNetV2Config& config);
  // (B, H, W, in) -> (B, ⌈H/stride⌉, ⌈W/stride⌉, out)
  Tensor forward(const Tensor& x) const;

 private:
  int64_t stride_;
  float eps_;
  ops::EpsilonOn epsilon_on_;
  Tensor weight_;
};

// Group normalisation, with timm's names.
class GroupNorm : public Module {
 public:
  GroupNorm(int64_t C, double eps, bool relu);
  Tensor forward(const Tensor& x) const;  // (B, H, W, C) -> (B, H, W, C)

 private:
  float eps_;
  bool relu_;
  Tensor weight_, bias_;
};

// Three convolutions around which the picture passes, or a projection of it.
class ResidualUnit : public Module {
 public:
  // With a projection where `first` of its stage. The stride is the 3×3 convolution's, and the projection's.
  ResidualUnit(int64_t in, int64_t out, int64_t stride, bool first, const ResNetV2Config& config);
  Tensor forward(const Tensor& x) const;  // (B, H, W, in) -> (B, ⌈H/stride⌉, ⌈W/stride⌉, out)

 private:
  struct Downsample : Module {
    Downsample(int64_t in, int64_t out, int64_t stride, const ResNetV2Config& config);
    StandardConv2d conv;
    GroupNorm norm;
  };
  std::optional<Downsample> downsample_;
  StandardConv2d conv1_;
  GroupNorm norm1_;
  StandardConv2d conv2_;
  GroupNorm norm2_;
  StandardConv2d conv3_;
  GroupNorm norm3_;
};

// Names as in timm: `stem.conv`, `stem.norm`, `stages.0.blocks.0.conv1` and so on; of the root alone, `conv` and
// `norm`.
class ResNetV2 : public Module {
 public:
  explicit ResNetV2(const ResNetV2Config& config);
  // images (B, H, W, channels) -> (B, reduced(H), reduced(W), out_channels())
  Tensor forward(const Tensor& images) const;

  struct Step {
    std::string name;  // "stem", "stages.0"
    Shape shape;       // (H, W, C) of one picture
    int64_t macs;
  };
  // A picture's way through it.
  std::vector<Step> steps(int64_t height, int64_t width) const;

 private:
  ResNetV2Config config_;
  StandardConv2d conv_;
  GroupNorm norm_;
  std::vector<std::vector<std::unique_ptr<ResidualUnit>>> stages_;
};

}  // namespace tessera::nn
