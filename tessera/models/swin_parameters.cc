// What quantisation, layer decay, resizing and fine-tuning know of the Swin Transformer's parameters.
#include <numeric>

#include "tessera/models/swin.h"

namespace tessera::models {

std::vector<Product> Swin::products() const {
  std::vector<Product> products = {{"patch_embed.proj.weight", ""}};
  for (const Stage& stage : stages_) {
    if (stage.downsample)
      products.push_back({stage.downsample->path("reduction.weight"), stage.downsample->path("norm")});
    for (const auto& block : stage.blocks) {
      products.push_back({block->path("attn.qkv.weight"), block->path("norm1")});
      products.push_back({block->path("attn.proj.weight"), ""});
      products.push_back({block->path("mlp.fc1.weight"), block->path("norm2")});
      products.push_back({block->path("mlp.fc2.weight"), ""});
    }
  }
  if (head_) products.push_back({"head.fc.weight", ""});
  return products;
}

// Patch merging belongs to the block behind it, as in timm.
int64_t Swin::layer_of(const std::string& parameter) const {
  const std::string layers = "layers.", blocks = ".blocks.";
  if (parameter.starts_with(layers)) {
    const auto stage = static_cast<std::ptrdiff_t>(std::stoll(parameter.substr(layers.size())));
    const size_t at = parameter.find(blocks);
    const int64_t block = at == std::string::npos ? 0 : std::stoll(parameter.substr(at + blocks.size()));
    return 1 + std::accumulate(config_.depths.begin(), config_.depths.begin() + stage, int64_t{0}) + block;
  }
  if (parameter.starts_with("norm.")) return config_.blocks();
  return parameter.starts_with("head.") ? config_.blocks() + 1 : 0;
}

bool Swin::no_weight_decay(const std::string& parameter) const {
  return parameter.ends_with("relative_position_bias_table");
}

std::optional<Spatial> Swin::spatial(const std::string& parameter) const {
  if (parameter == "patch_embed.proj.weight")
    return Spatial{Spatial::Kind::patches, config_.patch_size[0], config_.patch_size[1]};
  if (!parameter.ends_with("relative_position_bias_table")) return std::nullopt;
  const int64_t stage = std::stoll(parameter.substr(std::string("layers.").size()));
  const ops::Extent2d window = config_.grid(stage, 0).window;
  return Spatial{Spatial::Kind::relative, window.h, window.w};
}

std::vector<std::string> Swin::head_parameters() const {
  return head_ ? std::vector<std::string>{"head.fc.weight", "head.fc.bias"} : std::vector<std::string>{};
}

}  // namespace tessera::models
