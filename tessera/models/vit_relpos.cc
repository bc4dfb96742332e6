// Vision Transformers without absolute positions: the attention has a bias for each offset between two patches, which a
// small network makes from the logarithm of the offset (Liu et al., "Swin Transformer V2", 2022, section 3.3). Weights
// by these names, and the training of them: timm's vit_relpos_*.
#include <fmt/format.h>

#include "tessera/models/registry.h"

namespace tessera::models {

void register_vit_relpos(Registry& registry) {
  struct Size {
    const char* name;
    int embed_dim, num_heads;
  };
  const auto add = [&registry](const std::string& name, const Size& size, const char* pooling, const char* about) {
    registry.variants.add(
        name,
        {"vit",
         fmt::format(R"({{"embed_dim": {}, "depth": 12, "num_heads": {}, "qkv_bias": false, "init_values": 1e-6, )"
                     R"("pos_embed": "none", "rel_pos_type": "mlp", {}}})",
                     size.embed_dim, size.num_heads, pooling),
         about});
  };
  const Size base{"base", 768, 12};
  for (const Size& size : {Size{"small", 384, 6}, {"medium", 512, 8}, base})
    add(fmt::format("vit_relpos_{}_patch16_224", size.name), size, R"("class_token": false, "global_pool": "avg")",
        "relative positions by a network, mean of the patches (timm)");
  add("vit_relpos_base_patch16_cls_224", base, R"("global_pool": "token")",
      "relative positions by a network, class token (timm)");
  registry.variants.add(
      "vit_relpos_cifar",
      {"vit",
       R"({"img_size": 32, "patch_size": 4, "embed_dim": 128, "depth": 6, "num_heads": 4, "mlp_ratio": 2, "num_classes": 10, "pos_embed": "none", "rel_pos_type": "bias", "class_token": false, "global_pool": "avg"})",
       "a small ViT with a table of relative positions for 32x32 pictures"});
}

}  // namespace tessera::models
