// Patch embedding: a picture read as a sequence of tiles. Dosovitskiy et al., "An Image is Worth 16x16 Words" (2021),
// eq. 1.
#pragma once

#include "tessera/nn/module.h"

namespace tessera::nn {

// Names as in timm: `proj.weight` (D, C, Ph, Pw), a strided convolution's, and `proj.bias` (D).
class PatchEmbed : public Module {
 public:
  PatchEmbed(int64_t channels, int64_t patch_height, int64_t patch_width, int64_t D, bool bias);
  // images (B, H, W, C) -> tokens (B, (H/Ph)·(W/Pw), D), row by row. What is left of H and W over the patches is cut
  // off.
  Tensor forward(const Tensor& images) const;

 private:
  int64_t patch_height_, patch_width_;
  Tensor weight_, bias_;
};

}  // namespace tessera::nn
