#include "tessera/nn/patch_embed.h"

#include "tessera/ops/linear.h"
#include "tessera/ops/precision.h"
#include "tessera/ops/unfold.h"

namespace tessera::nn {

PatchEmbed::PatchEmbed(const PatchEmbedConfig& config)
    : patch_height_(config.patch_height), patch_width_(config.patch_width) {
  const Shape shape = {config.D, config.channels, patch_height_, patch_width_};
  const int64_t fan_in = config.channels * patch_height_ * patch_width_;
  if (config.backbone) add_child("backbone", backbone_.emplace(*config.backbone));
  if (config.norm) add_child("norm1", norm1_.emplace(fan_in, config.norm_eps));
  add_parameter("proj.weight", weight_, shape, uniform_fan_in(fan_in));
  if (config.bias) add_parameter("proj.bias", bias_, {config.D}, uniform_fan_in(fan_in));
  if (config.norm || config.last_norm)
    add_child(config.last_norm ? "norm" : "norm2", norm2_.emplace(config.D, config.norm_eps));
}

Tensor PatchEmbed::forward(const Tensor& images) const {
  const Tensor x = backbone_ ? backbone_->forward(images) : images;                             // (B, H, W, C)
  Tensor patches = ops::unfold(x, patch_height_, patch_width_);                                 // (B, N, C·Ph·Pw)
  const Tensor weight = weight_.reshape({weight_.size(0), weight_.numel() / weight_.size(0)});  // (D, C·Ph·Pw)
  if (norm1_) patches = norm1_->forward(patches, ops::input_of_product(weight_));               // (B, N, C·Ph·Pw)
  const Tensor tokens = ops::linear(patches, weight, bias_);                                    // (B, N, D)
  return norm2_ ? norm2_->forward(tokens) : tokens;                                             // (B, N, D)
}

}  // namespace tessera::nn
