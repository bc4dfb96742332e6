// The Swin Transformers that the literature and timm know by name: Liu et al. (2021), section 3.3. Stochastic depth as
// in the paper's training on ImageNet (section A2), for L as in its fine-tuning.
#include <fmt/format.h>

#include "tessera/models/registry.h"

namespace tessera::models {

void register_swin_variants(Registry& registry) {
  struct Size {
    const char* name;
    int embed_dim, third, heads;  // blocks of the third stage; heads of the first
    double drop_path;
  };
  const Size tiny{"tiny", 96, 6, 3, 0.2}, small{"small", 96, 18, 3, 0.3};
  const Size base{"base", 128, 18, 4, 0.5}, large{"large", 192, 18, 6, 0.2};
  struct Named {
    const Size& size;
    int window, picture;
  };
  for (const auto& [size, window, picture] : std::initializer_list<Named>{
           {tiny, 7, 224}, {small, 7, 224}, {base, 7, 224}, {base, 12, 384}, {large, 7, 224}, {large, 12, 384}}) {
    const int h = size.heads;
    registry.variants.add(
        fmt::format("swin_{}_patch4_window{}_{}", size.name, window, picture),
        {"swin",
         fmt::format(R"({{"img_size": {}, "window_size": {}, "embed_dim": {}, "depths": [2, 2, {}, 2], )"
                     R"("num_heads": [{}, {}, {}, {}], "drop_path_rate": {}}})",
                     picture, window, size.embed_dim, size.third, h, 2 * h, 4 * h, 8 * h, size.drop_path),
         fmt::format("Swin-{} (Liu et al., 2021)", static_cast<char>(std::toupper(size.name[0])))});
  }
  // Windows that a search found: Chen et al., "Searching the Search Space of Vision Transformer" (2021).
  struct Searched {
    const char *name, *windows;
    int third;
  };
  for (const auto& [name, windows, third] :
       {Searched{"tiny", "7, 7, 14, 7", 6}, {"small", "14, 14, 14, 7", 18}, {"base", "7, 7, 14, 7", 30}})
    registry.variants.add(
        fmt::format("swin_s3_{}_224", name),
        {"swin", fmt::format(R"({{"window_size": [{}], "embed_dim": 96, "depths": [2, 2, {}, 2]}})", windows, third),
         "Swin with searched window sizes (Chen et al., 2021)"});
  registry.variants.add(
      "swin_cifar",
      {"swin",
       R"({"img_size": 32, "patch_size": 2, "window_size": 4, "embed_dim": 64, "depths": [2, 4, 2], "num_heads": [2, 4, 8], "num_classes": 10})",
       "a small Swin Transformer for 32x32 colour pictures"});
}

}  // namespace tessera::models
