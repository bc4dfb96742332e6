// Hybrid Vision Transformers: the patches are cut from the output of a residual network instead of the picture.
// Dosovitskiy et al., "An Image is Worth 16x16 Words" (ICLR 2021), section 3.1 and table 6; Steiner et al., "How to
// train your ViT?" (2021), table 1. Weights by these names: timm's vit_*_r*, and Google's R50+ViT-B_16.npz, R26_S_32
// and so on.
#include <fmt/format.h>

#include "tessera/models/registry.h"

namespace tessera::models {

void register_vit_hybrid(Registry& registry) {
  struct Named {
    const char* name;
    const char* layers;  // of the residual network
    int patch, embed_dim, depth, num_heads, picture;
    int classes = 1000;  // one of timm's is a feature extractor: its weights were published without a head
  };
  for (const Named& m : {Named{"tiny_r_s16_p8", "[]", 8, 192, 12, 3, 224},
                         {"tiny_r_s16_p8", "[]", 8, 192, 12, 3, 384},
                         {"small_r26_s32", "[2, 2, 2, 2]", 1, 384, 12, 6, 224},
                         {"small_r26_s32", "[2, 2, 2, 2]", 1, 384, 12, 6, 384},
                         {"base_r50_s16", "[3, 4, 9]", 1, 768, 12, 12, 224, 0},
                         {"base_r50_s16", "[3, 4, 9]", 1, 768, 12, 12, 384},
                         {"large_r50_s32", "[3, 4, 6, 3]", 1, 1024, 24, 16, 224},
                         {"large_r50_s32", "[3, 4, 6, 3]", 1, 1024, 24, 16, 384}}) {
    registry.variants.add(
        fmt::format("vit_{}_{}", m.name, m.picture),
        {"vit",
         fmt::format(
             R"({{"img_size": {}, "backbone": "resnetv2", "backbone_layers": {}, "patch_size": {}, "embed_dim": {}, )"
             R"("depth": {}, "num_heads": {}, "num_classes": {}}})",
             m.picture, m.layers, m.patch, m.embed_dim, m.depth, m.num_heads, m.classes),
         "hybrid of a residual network and a ViT (Dosovitskiy et al., 2021; Steiner et al., 2021)"});
  }
  registry.variants.add(
      "vit_hybrid_cifar",
      {"vit",
       R"({"img_size": 32, "backbone": "resnetv2", "backbone_layers": [2], "backbone_stem": 32, "patch_size": 1, "embed_dim": 128, "depth": 4, "num_heads": 4, "mlp_ratio": 2, "num_classes": 10})",
       "a small hybrid for 32x32 pictures: tokens are the 8x8 pixels of a residual network's first stage"});
}

}  // namespace tessera::models
