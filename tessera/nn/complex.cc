#include "tessera/nn/complex.h"

#include <cmath>
#include <numbers>

#include "tessera/ops/complex_block.h"
#include "tessera/ops/frozen.h"
#include "tessera/ops/linear.h"
#include "tessera/ops/tap.h"
#include "tessera/ops/tokens.h"
#include "tessera/ops/training.h"

namespace tessera::nn {

namespace {

// What is made of a layer's weight_real (ops/frozen.h).
constexpr int64_t kBlock = -11, kFoldedBlock = -12, kFoldedBias = -13;

Shape twice(Shape shape) {
  shape[0] *= 2, shape[1] *= 2;
  return shape;
}

// (O, C, …) twice -> (2·O, 2·C, …)
Tensor block(const Tensor& re, const Tensor& im) {
  return ops::derived(re, kBlock, twice(re.shape()), [&] { return ops::complex_block(re, im); });
}

// (O) twice -> (2·O)
Tensor joined(const Tensor& re, const Tensor& im) {
  if (!re) return {};
  const int64_t O = re.numel();
  return ops::concat_tokens({re.reshape({1, O, 1}), im.reshape({1, O, 1})}).reshape({2 * O});
}

}  // namespace

ComplexConv2d::ComplexConv2d(int64_t in, int64_t out, const Conv2dConfig& c)
    : options_{.stride = {c.stride, c.stride}, .padding = {c.padding, c.padding, c.padding, c.padding}} {
  const Init init = rayleigh_part(1 / std::sqrt(static_cast<double>(in * c.kernel * c.kernel)));
  add_parameter("weight_real", weight_real_, {out, in, c.kernel, c.kernel}, init);
  add_parameter("weight_imag", weight_imag_, {out, in, c.kernel, c.kernel}, init);
  if (!c.bias) return;
  add_parameter("bias_real", bias_real_, {out}, zeros());
  add_parameter("bias_imag", bias_imag_, {out}, zeros());
}

Tensor ComplexConv2d::weight() const { return block(weight_real_, weight_imag_); }
Tensor ComplexConv2d::bias() const { return joined(bias_real_, bias_imag_); }

Tensor ComplexConv2d::folded_weight(const ops::ComplexBatchNormState& norm, float eps) const {
  return ops::derived(weight_real_, kFoldedBlock, twice(weight_real_.shape()),
                      [&] { return ops::folded(norm, eps, ops::complex_block(weight_real_, weight_imag_), bias()).w; });
}

Tensor ComplexConv2d::folded_bias(const ops::ComplexBatchNormState& norm, float eps) const {
  return ops::derived(weight_real_, kFoldedBias, {2 * weight_real_.size(0)}, [&] {
    return ops::folded(norm, eps, ops::complex_block(weight_real_, weight_imag_), bias()).bias;
  });
}

ComplexLinear::ComplexLinear(int64_t in, int64_t out) {
  const Init init = rayleigh_part(1 / std::sqrt(static_cast<double>(in + out)));
  add_parameter("weight_real", weight_real_, {out, in}, init);
  add_parameter("weight_imag", weight_imag_, {out, in}, init);
  add_parameter("bias_real", bias_real_, {out}, zeros());
  add_parameter("bias_imag", bias_imag_, {out}, zeros());
}

Tensor ComplexLinear::forward(const Tensor& x) const {
  return ops::linear(x, block(weight_real_, weight_imag_), joined(bias_real_, bias_imag_));
}

Tensor ComplexLinear::forward_maps(const Tensor& x) const {
  const int64_t out = weight_real_.size(0), C = x.size(3) / 2;
  const Shape kernel = {out, C, x.size(1), x.size(2)};
  const Tensor w = block(weight_real_.reshape(kernel), weight_imag_.reshape(kernel));      // (2·out, 2·C, H, W)
  return ops::conv2d(x, w, joined(bias_real_, bias_imag_)).reshape({x.size(0), 2 * out});  // (B, 1, 1, 2·out), flat
}

ComplexBatchNorm2d::ComplexBatchNorm2d(int64_t C, const BatchNormConfig& config)
    : eps_(static_cast<float>(config.eps)), momentum_(static_cast<float>(config.momentum)) {
  const Init diagonal = constant(std::numbers::sqrt2_v<float> / 2);
  const char* const elements[] = {"rr", "ri", "ii"};
  const char* const parts[] = {"real", "imag"};
  for (size_t i = 0; i < 3; ++i)
    add_parameter(std::string("weight_") + elements[i], state_.gamma[i], {C}, i == 1 ? zeros() : diagonal);
  for (size_t i = 0; i < 2; ++i) add_parameter(std::string("bias_") + parts[i], state_.beta[i], {C}, zeros());
  for (size_t i = 0; i < 2; ++i)
    add_statistic(std::string("running_mean_") + parts[i], state_.running_mean[i], {C}, zeros());
  for (size_t i = 0; i < 3; ++i)
    add_statistic(std::string("running_cov_") + elements[i], state_.running_covariance[i], {C},
                  i == 1 ? zeros() : diagonal);
}

bool ComplexBatchNorm2d::counts() const { return ops::current_training() && state_.gamma[0].requires_grad(); }

Tensor ComplexBatchNorm2d::forward(const Tensor& x, Activation activation, const Tensor& residual) const {
  return ops::complex_batch_norm(
      x, state_, {.eps = eps_, .activation = activation, .training = counts(), .momentum = momentum_}, residual);
}

ComplexActivate::ComplexActivate(int64_t C, ComplexActivation activation) : activation_(activation) {
  if (activation == ComplexActivation::modrelu) add_parameter("bias", parameter_, {C}, zeros());
  if (activation == ComplexActivation::cprelu) add_parameter("weight", parameter_, {2}, constant(0.25f));
}

Tensor conv_norm(const ComplexConv2d& conv, const ComplexBatchNorm2d& norm, const Tensor& x, Activation activation) {
  if (!ops::frozen_weights() || norm.counts()) return norm.forward(conv.forward(x), activation);
  return ops::conv2d_for_use(x, conv.folded_weight(norm.state(), norm.eps()),
                             conv.folded_bias(norm.state(), norm.eps()), conv.options(), {.activation = activation});
}

Tensor conv_norm(const ComplexConv2d& conv, const BatchNorm2d& norm, const Tensor& x, Activation activation) {
  if (!ops::frozen_weights() || norm.counts()) return norm.forward(conv.forward(x), activation);
  const auto [scale, shift] = norm.folded(conv.bias());
  return ops::conv2d_for_use(x, conv.weight(), shift, conv.options(), {.scale = scale, .activation = activation});
}

void tap_parts(const std::string& name, const Tensor& z) {
  if (!ops::tapping()) return;
  const int64_t C = z.size(-1) / 2, P = z.numel() / z.size(-1);
  Shape shape = z.shape();
  shape[-1] = C;
  const Tensor parts = z.reshape({P, 2 * C, 1});
  ops::tap(name + ".real", ops::slice_tokens(parts, 0, C).reshape(shape));
  ops::tap(name + ".imag", ops::slice_tokens(parts, C, C).reshape(shape));
}

}  // namespace tessera::nn
