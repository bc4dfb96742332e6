// What quantisation, layer decay, resizing and fine-tuning know of the Vision Transformer's parameters.
#include "tessera/models/vit.h"

namespace tessera::models {

std::vector<Product> Vit::products() const {
  std::vector<Product> products = {{"patch_embed.proj.weight", ""}};
  for (const auto& block : blocks_) {
    const bool pre = config_.norm_position == "pre";  // else the norm's output is the residual too
    products.push_back({block->path("attn.qkv.weight"), pre ? block->path("norm1") : ""});
    products.push_back({block->path("attn.proj.weight"), ""});
    if (config_.mlp_layer == "swiglu") {  // two products of one norm
      products.push_back({block->path("mlp.fc1_g.weight"), ""});
      products.push_back({block->path("mlp.fc1_x.weight"), ""});
    } else {
      products.push_back({block->path("mlp.fc1.weight"), pre ? block->path("norm2") : ""});
    }
    products.push_back({block->path("mlp.fc2.weight"), ""});
  }
  if (attn_pool_) {  // but not its q, which has one row
    products.push_back({"attn_pool.kv.weight", norm_ ? "norm" : ""});
    products.push_back({"attn_pool.proj.weight", ""});
    products.push_back({"attn_pool.mlp.fc1.weight", "attn_pool.norm"});
    products.push_back({"attn_pool.mlp.fc2.weight", ""});
  }
  if (pre_logits_) products.push_back({"pre_logits.fc.weight", ""});
  if (head_) products.push_back({"head.weight", ""});
  if (head_dist_) products.push_back({"head_dist.weight", ""});
  return products;
}

int64_t Vit::layer_of(const std::string& parameter) const {
  const std::string blocks = "blocks.";
  if (parameter.compare(0, blocks.size(), blocks) == 0) return 1 + std::stoll(parameter.substr(blocks.size()));
  if (parameter.compare(0, 5, "norm.") == 0) return config_.depth;  // as in timm: the final norm is the last block's
  for (const char* head : {"head.", "head_dist.", "fc_norm.", "pre_logits.", "attn_pool."})
    if (parameter.compare(0, std::string(head).size(), head) == 0) return config_.depth + 1;
  return 0;
}

bool Vit::no_weight_decay(const std::string& parameter) const {
  return parameter == "cls_token" || parameter == "dist_token" || parameter == "reg_token" ||
         parameter.compare(0, 9, "pos_embed") == 0;
}

std::optional<Spatial> Vit::spatial(const std::string& parameter) const {
  const auto grid = [this](Spatial::Kind kind, int64_t extra) {
    return Spatial{kind, grid_height(), grid_width(), extra};
  };
  if (parameter == "pos_embed") return grid(Spatial::Kind::positions, config_.no_embed_class ? 0 : prefix());
  if (parameter == "pos_embed.row") return Spatial{Spatial::Kind::positions, grid_height(), 1};
  if (parameter == "pos_embed.col") return Spatial{Spatial::Kind::positions, 1, grid_width()};
  if (parameter == "patch_embed.proj.weight")
    return Spatial{Spatial::Kind::patches, config_.patch_size[0], config_.patch_size[1]};
  if (parameter == "patch_embed.backbone.stem.conv.weight" || parameter == "patch_embed.backbone.conv.weight")
    return Spatial{Spatial::Kind::patches, 7, 7};  // for its channels
  if (parameter.find("relative_position_bias_table") != std::string::npos)
    return grid(Spatial::Kind::relative, prefix() > 0 ? 3 : 0);
  return std::nullopt;
}

std::vector<std::string> Vit::head_parameters() const {
  if (!head_) return {};
  if (!head_dist_) return {"head.weight", "head.bias"};
  return {"head.weight", "head.bias", "head_dist.weight", "head_dist.bias"};
}

}  // namespace tessera::models
