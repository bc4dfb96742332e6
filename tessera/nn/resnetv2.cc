#include "tessera/nn/resnetv2.h"

#include <cmath>

#include "tessera/ops/activation.h"
#include "tessera/ops/add.h"
#include "tessera/ops/group_norm.h"
#include "tessera/ops/pooling.h"
#include "tessera/ops/tap.h"

namespace tessera::nn {

namespace {

int64_t half(int64_t extent) { return (extent + 1) / 2; }

// TensorFlow's SAME: what makes ⌈extent/stride⌉ windows, the smaller half of it before.
ops::Padding2d same_padding(const Tensor& x, int64_t kernel, int64_t stride) {
  const auto total = [&](int64_t extent) {
    return std::max<int64_t>(((extent + stride - 1) / stride - 1) * stride + kernel - extent, 0);
  };
  const int64_t rows = total(x.size(1)), columns = total(x.size(2));
  return {.top = rows / 2, .left = columns / 2, .bottom = rows - rows / 2, .right = columns - columns / 2};
}

constexpr int64_t kRootKernel = 7;

}  // namespace

int64_t ResNetV2Config::reduced(int64_t extent) const {
  extent = half(half(extent));
  for (size_t stage = 1; stage < layers.size(); ++stage) extent = half(extent);
  return extent;
}

int64_t ResNetV2Config::reduction() const {
  return int64_t{4} << (layers.empty() ? 0 : static_cast<int64_t>(layers.size()) - 1);
}

StandardConv2d::StandardConv2d(int64_t in, int64_t out, int64_t kernel, int64_t stride, const ResNetV2Config& config)
    : stride_(stride), eps_(static_cast<float>(config.standard_eps)), epsilon_on_(config.epsilon_on) {
  // He et al. (2015), for the way back.
  add_parameter("weight", weight_, {out, in, kernel, kernel},
                normal(std::sqrt(2.0 / static_cast<double>(out * kernel * kernel))));
}

Tensor StandardConv2d::forward(const Tensor& x) const {
  return ops::conv2d(x, ops::standardise(weight_, eps_, epsilon_on_), {},
                     {.stride = {stride_, stride_}, .padding = same_padding(x, weight_.size(2), stride_)});
}

GroupNorm::GroupNorm(int64_t C, double eps, bool relu) : eps_(static_cast<float>(eps)), relu_(relu) {
  add_parameter("weight", weight_, {C}, ones());
  add_parameter("bias", bias_, {C}, zeros());
}

Tensor GroupNorm::forward(const Tensor& x) const {
  return ops::group_norm(x, weight_, bias_, {.groups = ResNetV2Config::kGroups, .eps = eps_, .relu = relu_});
}

ResidualUnit::Downsample::Downsample(int64_t in, int64_t out, int64_t stride, const ResNetV2Config& config)
    : conv(in, out, 1, stride, config), norm(out, config.norm_eps, false) {
  add_child("conv", conv);
  add_child("norm", norm);
}

ResidualUnit::ResidualUnit(int64_t in, int64_t out, int64_t stride, bool first, const ResNetV2Config& config)
    : conv1_(in, out / config.kBottleneck, 1, 1, config),
      norm1_(out / config.kBottleneck, config.norm_eps, true),
      conv2_(out / config.kBottleneck, out / config.kBottleneck, 3, stride, config),
      norm2_(out / config.kBottleneck, config.norm_eps, true),
      conv3_(out / config.kBottleneck, out, 1, 1, config),
      norm3_(out, config.norm_eps, false) {
  if (first) add_child("downsample", downsample_.emplace(in, out, stride, config));
  add_child("conv1", conv1_);
  add_child("norm1", norm1_);
  add_child("conv2", conv2_);
  add_child("norm2", norm2_);
  add_child("conv3", conv3_);
  add_child("norm3", norm3_);
}

Tensor ResidualUnit::forward(const Tensor& x) const {
  const Tensor around = downsample_ ? downsample_->norm.forward(downsample_->conv.forward(x)) : x;
  Tensor y = norm1_.forward(conv1_.forward(x));  // (B, H, W, out/4)
  y = norm2_.forward(conv2_.forward(y));         // (B, ⌈H/stride⌉, ⌈W/stride⌉, out/4)
  y = norm3_.forward(conv3_.forward(y));         // (B, ⌈H/stride⌉, ⌈W/stride⌉, out)
  return ops::activate(ops::add(y, around), kernels::Activation::relu);
}

ResNetV2::ResNetV2(const ResNetV2Config& config)
    : config_(config),
      conv_(config.channels, config.stem, kRootKernel, 2, config),
      norm_(config.stem, config.norm_eps, true) {
  const std::string root = config.layers.empty() ? "" : "stem.";
  add_child(root + "conv", conv_);
  add_child(root + "norm", norm_);
  int64_t in = config.stem;
  for (size_t stage = 0; stage < config.layers.size(); ++stage) {
    stages_.emplace_back();
    for (int64_t i = 0; i < config.layers[stage]; ++i) {
      const bool first = i == 0;
      stages_.back().push_back(
          std::make_unique<ResidualUnit>(in, config.widths[stage], first && stage > 0 ? 2 : 1, first, config));
      add_child("stages." + std::to_string(stage) + ".blocks." + std::to_string(i), *stages_.back().back());
      in = config.widths[stage];
    }
  }
}

Tensor ResNetV2::forward(const Tensor& images) const {
  Tensor x = norm_.forward(conv_.forward(images));  // (B, ⌈H/2⌉, ⌈W/2⌉, stem)
  x = ops::max_pool2d(x, {.kernel = {3, 3}, .stride = {2, 2}, .padding = same_padding(x, 3, 2)});  // (B, ⌈H/4⌉, …)
  ops::tap(path("stem"), x);
  for (size_t stage = 0; stage < stages_.size(); ++stage) {
    for (const auto& unit : stages_[stage]) x = unit->forward(x);  // (B, …, widths[stage])
    ops::tap(path("stages." + std::to_string(stage)), x);
  }
  return x;
}

std::vector<ResNetV2::Step> ResNetV2::steps(int64_t height, int64_t width) const {
  std::vector<Step> steps;
  int64_t H = half(height), W = half(width);
  const int64_t root = H * W * config_.stem * config_.channels * kRootKernel * kRootKernel;
  H = half(H), W = half(W);
  steps.push_back({"stem", {H, W, config_.stem}, root});
  int64_t in = config_.stem;
  for (size_t stage = 0; stage < stages_.size(); ++stage) {
    const int64_t out = config_.widths[stage], mid = out / config_.kBottleneck, before = H * W;
    if (stage > 0) H = half(H), W = half(W);
    const int64_t after = H * W, rest = after * (9 * mid * mid + mid * out);
    int64_t macs = before * in * mid + rest + after * in * out;  // the first unit, with its projection
    macs += (config_.layers[stage] - 1) * (after * out * mid + rest);
    steps.push_back({"stages." + std::to_string(stage), {H, W, out}, macs});
    in = out;
  }
  return steps;
}

}  // namespace tessera::nn
