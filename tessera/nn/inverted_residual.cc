#include "tessera/nn/inverted_residual.h"

#include <algorithm>
#include <utility>

#include "tessera/ops/add.h"
#include "tessera/ops/dropout.h"
#include "tessera/ops/linear.h"
#include "tessera/ops/pooling.h"
#include "tessera/ops/scale_channels.h"
#include "tessera/ops/training.h"

namespace tessera::nn {

namespace {

// A 1×1 convolution of one pixel: (B, in) -> (B, out)
Tensor on_pixel(const Conv2d& conv, const Tensor& x, Activation activation) {
  const Tensor& w = conv.weight();
  return ops::linear(x, w.reshape({w.size(0), w.size(1)}), conv.bias(), {.activation = activation});
}

}  // namespace

SqueezeExcitation::SqueezeExcitation(int64_t C, int64_t squeezed, Activation activation)
    : fc1_(C, squeezed, {.bias = true}), fc2_(squeezed, C, {.bias = true}), activation_(activation) {
  add_child("fc1", fc1_);
  add_child("fc2", fc2_);
}

Tensor SqueezeExcitation::forward(Tensor x) const {
  const Tensor means = ops::global_avg_pool2d(x);                     // (B, H, W, C) -> (B, C)
  const Tensor squeezed = on_pixel(fc1_, means, activation_);         // (B, squeezed)
  const Tensor gate = on_pixel(fc2_, squeezed, Activation::sigmoid);  // (B, C)
  return ops::scale_channels(std::move(x), gate);                     // (B, H, W, C)
}

InvertedResidual::InvertedResidual(const InvertedResidualConfig& c)
    : residual_(c.stride == 1 && c.in == c.out), drop_path_(static_cast<float>(c.drop_path)) {
  int64_t index = 0;  // in the sequence
  const auto next = [&] { return c.sequence + "." + std::to_string(index++); };
  const ConvNormNames numbered = {"0", "1"};
  // As PyTorch counts them, whatever the groups.
  const Init depthwise_init = kaiming_normal(c.expanded * c.kernel * c.kernel);
  if (c.expanded != c.in)
    add_child(next(), expand_.emplace(c.in, c.expanded, Conv2dConfig{}, numbered, c.activation, c.norm));
  add_child(next(), depthwise_.emplace(c.expanded, c.expanded,
                                       Conv2dConfig{.kernel = c.kernel,
                                                    .stride = c.stride,
                                                    .padding = c.kernel / 2,
                                                    .groups = c.expanded,
                                                    .weight_init = depthwise_init},
                                       numbered, c.activation, c.norm));
  if (c.squeezed > 0) add_child(next(), gate_.emplace(c.expanded, c.squeezed));
  const std::string first = next(), second = c.bare_projection ? next() : "";
  const ConvNormNames names = c.bare_projection ? ConvNormNames{first, second} : numbered;
  add_child(c.bare_projection ? "" : first,
            project_.emplace(c.expanded, c.out, Conv2dConfig{}, names, Activation::none, c.norm));
}

Tensor InvertedResidual::forward(Tensor x) const {
  Tensor y = expand_ ? expand_->forward(x) : x;  // (B, H, W, expanded)
  y = depthwise_->forward(y);                    // (B, ⌈H/stride⌉, ⌈W/stride⌉, expanded)
  if (gate_) y = gate_->forward(std::move(y));
  if (!residual_) return project_->forward(y);  // (B, ⌈H/stride⌉, ⌈W/stride⌉, out)
  if (!ops::current_training() || drop_path_ == 0) return project_->forward(y, std::move(x));
  return ops::add(x, ops::drop_path(project_->forward(y), drop_path_, path("drop_path")));
}

int64_t make_divisible(double C, int64_t divisor) {
  const int64_t nearest = static_cast<int64_t>(C + static_cast<double>(divisor) / 2) / divisor * divisor;
  const int64_t least = std::max(nearest, divisor);
  return static_cast<double>(least) < 0.9 * C ? least + divisor : least;
}

}  // namespace tessera::nn
