#include "tessera/nn/patch_embed.h"

#include "tessera/nn/init.h"
#include "tessera/ops/linear.h"
#include "tessera/ops/unfold.h"

namespace tessera::nn {

PatchEmbed::PatchEmbed(int64_t channels, int64_t patch_height, int64_t patch_width, int64_t D, bool bias)
    : patch_height_(patch_height), patch_width_(patch_width) {
  const int64_t fan_in = channels * patch_height * patch_width;
  add_parameter("proj.weight", weight_, {D, channels, patch_height, patch_width}, uniform_fan_in(fan_in));
  if (bias) add_parameter("proj.bias", bias_, {D}, uniform_fan_in(fan_in));
}

Tensor PatchEmbed::forward(const Tensor& images) const {
  const Tensor patches = ops::unfold(images, patch_height_, patch_width_);                      // (B, N, C·Ph·Pw)
  const Tensor weight = weight_.reshape({weight_.size(0), weight_.numel() / weight_.size(0)});  // (D, C·Ph·Pw)
  return ops::linear(patches, weight, bias_);                                                   // (B, N, D)
}

}  // namespace tessera::nn
