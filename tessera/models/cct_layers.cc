#include "tessera/models/cct_layers.h"

#include "tessera/ops/activation.h"
#include "tessera/ops/add.h"
#include "tessera/ops/attention.h"
#include "tessera/ops/dropout.h"
#include "tessera/ops/positions.h"
#include "tessera/ops/training.h"

namespace tessera::models {

kernels::Extent2d TokenizerConfig::grid(kernels::Extent2d picture) const {
  const int64_t p = conv.padding;
  const kernels::Window2d window = {
      .kernel = {conv.kernel, conv.kernel}, .stride = {conv.stride, conv.stride}, .padding = {p, p, p, p}};
  for (int64_t i = 0; i < layers; ++i) {
    picture = kernels::windows_in(picture.h, picture.w, window);
    if (follows) picture = ops::pooled_size(picture, pool);
    if (picture.h <= 0 || picture.w <= 0) return {0, 0};
  }
  return picture;
}

Tokenizer::Tokenizer(const TokenizerConfig& config) : config_(config) {
  int64_t in = config.channels;
  for (int64_t i = 0; i < config.layers; ++i) {
    const int64_t out = i + 1 < config.layers ? config.width : config.D;
    nn::Conv2dConfig conv = config.conv;
    conv.weight_init = nn::kaiming_normal(in * conv.kernel * conv.kernel);
    conv.bias_init = nn::uniform_fan_in(in * conv.kernel * conv.kernel);
    convolutions_.push_back(std::make_unique<nn::Conv2d>(in, out, conv));
    add_child("conv_layers." + std::to_string(i) + ".0", *convolutions_.back());
    in = out;
  }
}

Tensor Tokenizer::forward(const Tensor& images) const {
  Tensor x = images;
  for (const auto& conv : convolutions_) {
    if (!config_.follows) {
      x = conv->forward(x);  // (B, H', W', O)
      continue;
    }
    x = nn::conv_act(*conv, x, nn::Activation::relu);  // (B, H', W', O)
    x = ops::max_pool2d(x, config_.pool);              // (B, H'', W'', O)
  }
  return x.reshape({x.size(0), x.size(1) * x.size(2), x.size(3)});  // (B, N, D)
}

CompactBlock::CompactBlock(const CompactBlockConfig& config)
    : dropout_(static_cast<float>(config.dropout)),
      drop_path_(static_cast<float>(config.drop_path)),
      pre_norm_(config.attention.D, config.norm_eps),
      self_attn_(config.attention),
      linear1_(config.attention.D, config.hidden),
      norm1_(config.attention.D, config.norm_eps),
      linear2_(config.hidden, config.attention.D) {
  add_child("pre_norm", pre_norm_);
  add_child("self_attn", self_attn_);
  add_child("linear1", linear1_);
  add_child("norm1", norm1_);
  add_child("linear2", linear2_);
}

Tensor CompactBlock::forward(const Tensor& x) const {
  const int64_t N = x.size(1);
  const bool dropping = ops::current_training() && (dropout_ > 0 || drop_path_ > 0);
  const Tensor normed = pre_norm_.forward(x, self_attn_.input_dtype());
  const auto add_dropped = [&](const Tensor& residual, const Tensor& branch, const char* name) {
    return ops::add(residual, ops::drop_path(branch, drop_path_, path(name)));
  };
  const Tensor y = norm1_.forward(dropping ? add_dropped(x, self_attn_.forward(normed, N), "drop_path1")
                                           : self_attn_.forward(normed, N, {.residual = x}));
  const DType dtype =
      !dropping && linear1_.input_dtype() == linear2_.input_dtype() ? linear2_.input_dtype() : DType::f32;
  Tensor hidden = linear1_.forward(y, {.activation = nn::Activation::gelu_erf, .dtype = dtype});  // (B, N, hidden)
  if (!dropping) return linear2_.forward(hidden, {.residual = y});                                // (B, N, D)
  hidden = ops::dropout(hidden, dropout_, path("dropout1"));
  return add_dropped(y, ops::dropout(linear2_.forward(hidden), dropout_, path("dropout2")), "drop_path2");
}

SequencePool::SequencePool(int64_t D) {
  add_parameter("weight", weight_, {1, D}, nn::trunc_normal(0.02));
  add_parameter("bias", bias_, {1}, nn::zeros());
}

// Attention of one query, the weight, whose keys and values are the tokens.
Tensor SequencePool::forward(const Tensor& x) const {
  const int64_t B = x.size(0), N = x.size(1), D = x.size(2);
  const Tensor q = ops::add_positions(Tensor::zeros({B, 1, D}), weight_.reshape({1, 1, D}));  // (B, 1, D)
  ops::AttentionOptions options;
  options.bias_table = bias_.reshape({1, 1});
  options.bias_index = Tensor::zeros({1, N}, DType::s32);
  options.tap = path();
  return ops::attention(q, x, x, options).reshape({B, D});  // (B, 1, D) -> (B, D)
}

}  // namespace tessera::models
