#include "tessera/nn/conv2d.h"

#include <utility>

#include "tessera/ops/frozen.h"
#include "tessera/ops/training.h"

namespace tessera::nn {

namespace {

ops::Padding2d padding_of(const Conv2dConfig& c) {
  const bool same = c.padding == Conv2dConfig::kSame;
  const int64_t before = same ? (c.kernel - 1) / 2 : c.padding, behind = same ? c.kernel / 2 : c.padding;
  return {.top = before, .left = before, .bottom = behind, .right = behind};
}

}  // namespace

Conv2d::Conv2d(int64_t in, int64_t out, const Conv2dConfig& c)
    : options_{.stride = {c.stride, c.stride}, .padding = padding_of(c), .groups = c.groups} {
  const int64_t area = c.kernel * c.kernel;
  add_parameter("weight", weight_, {out, in / c.groups, c.kernel, c.kernel},
                c.weight_init ? c.weight_init : kaiming_normal(out * area / c.groups));
  if (c.bias) add_parameter("bias", bias_, {out}, c.bias_init ? c.bias_init : zeros());
}

BatchNorm2d::BatchNorm2d(int64_t C, const BatchNormConfig& config)
    : eps_(static_cast<float>(config.eps)), momentum_(static_cast<float>(config.momentum)) {
  add_parameter("weight", state_.gamma, {C}, ones());
  add_parameter("bias", state_.beta, {C}, zeros());
  add_statistic("running_mean", state_.running_mean, {C}, zeros());
  add_statistic("running_var", state_.running_variance, {C}, ones());
}

bool BatchNorm2d::counts() const { return ops::current_training() && state_.gamma.requires_grad(); }

Tensor BatchNorm2d::forward(const Tensor& x, Activation activation, const Tensor& residual) const {
  return ops::batch_norm(x, state_, options(activation), residual);
}

Tensor BatchNorm2d::forward(const std::vector<ops::NormPart>& parts, Activation activation) const {
  return ops::batch_norm_parts(parts, state_, options(activation));
}

Tensor BatchNorm2d::forward_behind(Activation activation, const Tensor& x, const Tensor& residual) const {
  return ops::batch_norm(x, state_, {.eps = eps_, .before = activation, .training = counts(), .momentum = momentum_},
                         residual);
}

Tensor conv_norm(const Conv2d& conv, const BatchNorm2d& norm, const Tensor& x, Activation activation, Tensor residual) {
  if (!ops::frozen_weights() || norm.counts()) return norm.forward(conv.forward(x), activation, residual);
  const auto [scale, shift] = norm.folded(conv.bias());
  return ops::conv2d_for_use(x, conv.weight(), shift, conv.options(),
                             {.scale = scale, .residual = std::move(residual), .activation = activation});
}

ConvNorm::ConvNorm(int64_t in, int64_t out, const Conv2dConfig& conv, const ConvNormNames& names, Activation activation,
                   const BatchNormConfig& norm)
    : conv_(in, out, conv), norm_(out, norm), activation_(activation) {
  add_child(names.conv, conv_);
  add_child(names.norm, norm_);
}

Tensor conv_act_norm(const Conv2d& conv, const BatchNorm2d& norm, const Tensor& x, Activation activation,
                     const Tensor& residual) {
  if (!ops::frozen_weights() || norm.counts()) return norm.forward_behind(activation, conv.forward(x), residual);
  const auto [scale, shift] = norm.folded();
  return ops::conv2d_for_use(
      x, conv.weight(), conv.bias(), conv.options(),
      {.activation = activation, .after_scale = scale, .after_shift = shift, .after_residual = residual});
}

Tensor conv_act(const Conv2d& conv, const Tensor& x, Activation activation) {
  if (!ops::frozen_weights()) return ops::activate(conv.forward(x), activation);
  return ops::conv2d_for_use(x, conv.weight(), conv.bias(), conv.options(), {.activation = activation});
}

}  // namespace tessera::nn
