// DeiT: Vision Transformers trained on ImageNet alone, with or without distillation through a token of its own. Touvron
// et al., "Training data-efficient image transformers & distillation through attention" (ICML 2021),
// https://arxiv.org/abs/2012.12877, table 1 and section 4. Weights by these names: timm's deit_*.
#include <fmt/format.h>

#include "tessera/models/registry.h"

namespace tessera::models {

void register_deit(Registry& registry) {
  struct Size {
    const char* name;
    int embed_dim, num_heads, picture;
  };
  for (const Size& size :
       {Size{"tiny", 192, 3, 224}, {"small", 384, 6, 224}, {"base", 768, 12, 224}, {"base", 768, 12, 384}}) {
    for (const bool distilled : {false, true}) {
      registry.variants.add(
          fmt::format("deit_{}{}_patch16_{}", size.name, distilled ? "_distilled" : "", size.picture),
          {"vit",
           fmt::format(R"({{"img_size": {}, "embed_dim": {}, "depth": 12, "num_heads": {}, "distilled": {}}})",
                       size.picture, size.embed_dim, size.num_heads, distilled),
           distilled ? "DeiT with a distillation token (Touvron et al., 2021)" : "DeiT (Touvron et al., 2021)"});
    }
  }
  registry.variants.add(
      "deit_cifar_distilled",
      {"vit",
       R"({"img_size": 32, "patch_size": 4, "embed_dim": 128, "depth": 6, "num_heads": 4, "mlp_ratio": 2, "num_classes": 10, "distilled": true})",
       "a small DeiT with a distillation token for 32x32 pictures"});
}

}  // namespace tessera::models
