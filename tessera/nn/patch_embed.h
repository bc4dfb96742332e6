// Patch embedding: a picture read as a sequence of tiles. Dosovitskiy et al., "An Image is Worth 16x16 Words" (2021),
// eq. 1.
#pragma once

#include <optional>

#include "tessera/nn/layer_norm.h"
#include "tessera/nn/resnetv2.h"

namespace tessera::nn {

struct PatchEmbedConfig {
  int64_t channels = 3;
  int64_t patch_height = 16, patch_width = 16;
  int64_t D = 0;
  bool bias = true;
  // A LayerNorm before and one behind the projection, as in lucidrains' ViT (Kumar et al., "Dual PatchNorm", 2023).
  bool norm = false;
  bool last_norm = false;  // one behind the projection alone, as in Swin
  double norm_eps = 1e-6;
  // A convolutional network from whose output the patches are cut; `channels` are then the ones that it gives.
  std::optional<ResNetV2Config> backbone = {};
};

// Names as in timm: `proj.weight` (D, C, Ph, Pw), a strided convolution's, and `proj.bias` (D). With norms also `norm1`
// over a patch's C·Ph·Pw numbers, in the order of the weight's, (C, Ph, Pw), and `norm2` (D), or with the last norm
// alone `norm`. A hybrid's network is `backbone`.
class PatchEmbed : public Module {
 public:
  explicit PatchEmbed(const PatchEmbedConfig& config);
  // images (B, H, W, C) -> tokens (B, (H/Ph)·(W/Pw), D), row by row, H and W being those of the backbone's output where
  // there is one. What is left of H and W over the patches is cut off.
  Tensor forward(const Tensor& images) const;
  const ResNetV2* backbone() const { return backbone_ ? &*backbone_ : nullptr; }

 private:
  int64_t patch_height_, patch_width_;
  std::optional<ResNetV2> backbone_;
  std::optional<LayerNorm> norm1_, norm2_;  // before and behind the projection
  Tensor weight_, bias_;
};

}  // namespace tessera::nn
