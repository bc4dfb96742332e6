// The Vision Transformers that the literature and timm know by name. DeiT's stand in deit.cc.
#include "tessera/models/registry.h"

#include <fmt/format.h>

namespace tessera::models {

void register_vit_variants(Registry& registry) {
  struct Size {
    const char* name;
    int embed_dim, depth, num_heads;
    const char* about;
  };
  const Size tiny{"tiny", 192, 12, 3, "ViT-Ti of DeiT (Touvron et al., 2021)"};
  const Size small{"small", 384, 12, 6, "ViT-S of DeiT (Touvron et al., 2021)"};
  const Size base{"base", 768, 12, 12, "ViT-B (Dosovitskiy et al., 2021, table 1)"};
  const Size large{"large", 1024, 24, 16, "ViT-L (Dosovitskiy et al., 2021, table 1)"};
  const Size huge{"huge", 1280, 32, 16, "ViT-H (Dosovitskiy et al., 2021, table 1)"};
  struct Named {
    const Size& size;
    int patch, picture;
    int classes = 1000;  // three of timm's are feature extractors: their weights were published without a head
  };
  // Those that the literature and timm know.
  for (const auto& [size, patch, picture, classes] : std::initializer_list<Named>{{tiny, 16, 224},
                                                                                  {tiny, 16, 384},
                                                                                  {small, 8, 224, 0},
                                                                                  {small, 16, 224},
                                                                                  {small, 16, 384},
                                                                                  {small, 32, 224},
                                                                                  {small, 32, 384},
                                                                                  {base, 8, 224},
                                                                                  {base, 16, 224},
                                                                                  {base, 16, 384},
                                                                                  {base, 32, 224},
                                                                                  {base, 32, 384},
                                                                                  {large, 14, 224},
                                                                                  {large, 16, 224},
                                                                                  {large, 16, 384},
                                                                                  {large, 32, 224, 0},
                                                                                  {large, 32, 384},
                                                                                  {huge, 14, 224, 0}}) {
    registry.variants.add(
        fmt::format("vit_{}_patch{}_{}", size.name, patch, picture),
        {"vit",
         fmt::format(
             R"({{"img_size": {}, "patch_size": {}, "embed_dim": {}, "depth": {}, "num_heads": {}, "num_classes": {}}})",
             picture, patch, size.embed_dim, size.depth, size.num_heads, classes),
         size.about});
  }
  registry.variants.add(
      "vit_lite_7_4",
      {"vit",
       R"({"img_size": 32, "patch_size": 4, "embed_dim": 256, "depth": 7, "num_heads": 4, "mlp_ratio": 2, "num_classes": 10})",
       "ViT-Lite-7/4 for 32x32 pictures (Hassani et al., 2021)"});
  registry.variants.add(
      "vit_cifar",
      {"vit",
       R"({"img_size": 32, "patch_size": 4, "embed_dim": 128, "depth": 6, "num_heads": 4, "mlp_ratio": 2, "num_classes": 10, "class_token": false, "global_pool": "avg"})",
       "a small ViT for 32x32 colour pictures"});
  registry.variants.add(
      "vit_mnist",
      {"vit",
       R"({"img_size": 28, "patch_size": 4, "in_chans": 1, "embed_dim": 96, "depth": 4, "num_heads": 4, "mlp_ratio": 2, "num_classes": 10, "class_token": false, "global_pool": "avg"})",
       "a small ViT for 28x28 grey pictures"});
}

}  // namespace tessera::models
