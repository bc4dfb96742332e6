// torchvision's SwinTransformer, https://github.com/pytorch/vision/blob/main/torchvision/models/swin_transformer.py:
// stages and patch merging in turns, features.1, features.2, features.3, …
#include <fmt/format.h>

#include "tessera/weights/origin.h"

namespace tessera::weights {

void register_torchvision_swin(OriginRegistry& registry) {
  Origin origin;
  origin.about = "torchvision's Swin Transformer: features.1.0.attn.relative_position_bias_table";
  origin.keys = {"features.{s}.{b}.attn.relative_position_bias_table"};
  origin.buffers = {"features.{s}.{b}.attn.relative_position_index"};
  origin.architecture = {{"edges", "torchvision"}};
  origin.fixed = {{"patch_norm", "true"}, {"qkv_bias", "true"}, {"act", "gelu_erf"}, {"head_dim", "0"}};
  origin.names = {{"swin_t", "swin_tiny_patch4_window7_224"},
                  {"swin_s", "swin_small_patch4_window7_224"},
                  {"swin_b", "swin_base_patch4_window7_224"}};
  origin.rules = {{"features.0.0.{p}", "patch_embed.proj.{p}"}, {"features.0.2.{p}", "patch_embed.norm.{p}"}};
  constexpr int kStages = 12;  // as many as a model may have
  for (int stage = 0; stage < kStages; ++stage) {
    const std::string block = fmt::format("features.{}.{{b}}.", 2 * stage + 1),
                      ours = fmt::format("layers.{}.blocks.{{b}}.", stage);
    for (const char* layer : {"norm1", "attn.qkv", "attn.proj", "norm2"})
      origin.rules.push_back({block + layer + ".{p}", ours + layer + ".{p}"});
    origin.rules.push_back({block + "attn.relative_position_bias_table", ours + "attn.relative_position_bias_table"});
    origin.rules.push_back({block + "mlp.0.{p}", ours + "mlp.fc1.{p}"});
    origin.rules.push_back({block + "mlp.3.{p}", ours + "mlp.fc2.{p}"});
    const std::string merging = fmt::format("features.{}.", 2 * stage + 2);
    for (const char* layer : {"norm", "reduction"})
      origin.rules.push_back(
          {merging + layer + ".{p}", fmt::format("layers.{}.downsample.{}.{{p}}", stage + 1, layer)});
  }
  origin.rules.push_back({"norm.{p}", "norm.{p}"});
  origin.rules.push_back({"head.{p}", "head.fc.{p}"});
  registry.add("torchvision-swin", origin);
}

}  // namespace tessera::weights
