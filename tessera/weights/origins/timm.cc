// timm (https://github.com/huggingface/pytorch-image-models) and what shares its names: DeiT, DINO, MAE, AugReg, and
// the Swin Transformer's authors (https://github.com/microsoft/Swin-Transformer), whose stages merge patches at their
// end. tessera's own names are timm's, so nothing is renamed.
#include <algorithm>

#include "tessera/weights/origins/timm_config.h"

namespace tessera::weights {
namespace {

// The number of the stage in "layers.0.downsample.norm.weight"; -1 where the name is another.
int64_t merging_stage(const std::string& name) {
  const auto captures = match("layers.{s}.downsample.{n}.{p}", name);
  const std::string stage = captures ? captures->at("s") : "";
  const bool number = !stage.empty() && stage.size() < 6 && stage.find_first_not_of("0123456789") == std::string::npos;
  return number ? std::stoll(stage) : -1;
}

// Swin as its authors write it, and timm before 1.0: patch merging at the end of stages, and `head` for `head.fc`.
void prepare(formats::NamedArrays& arrays) {
  const auto holds = [&](const std::string& name) {
    return std::any_of(arrays.begin(), arrays.end(), [&](const auto& entry) { return entry.first == name; });
  };
  if (!holds("layers.0.blocks.0.attn.relative_position_bias_table")) return;
  const bool at_the_end = holds("layers.0.downsample.reduction.weight");
  for (auto& [name, array] : arrays) {
    if (name == "head.weight" || name == "head.bias") name.replace(0, 4, "head.fc");
    if (const int64_t stage = merging_stage(name); at_the_end && stage >= 0)
      name = fmt::format("layers.{}{}", stage + 1, name.substr(name.find(".downsample")));
  }
}

}  // namespace

void register_timm(OriginRegistry& registry) {
  Origin timm;
  timm.about = "timm, DeiT, MAE, DINO: blocks.0.attn.qkv.weight";
  timm.keys = {"layers.{s}.blocks.{b}.attn.qkv.weight", "blocks.{i}.attn.qkv.weight", "blocks.{i}.mlp.fc1.weight",
               "blocks.{i}.0.fn.0.weight"};
  timm.buffers = {"{any}.relative_position_index",
                  "blocks.{i}.attn.relative_position_index",
                  "blocks.{i}.attn.rel_pos.relative_position_index",
                  "blocks.{i}.attn.rel_pos.rel_coords_log",
                  "shared_rel_pos.relative_position_index",
                  "shared_rel_pos.rel_coords_log",
                  "layers.{s}.blocks.{b}.attn.relative_position_index",
                  "layers.{s}.blocks.{b}.attn_mask"};
  timm.fixed = {{"stem", "imagenet"}};  // of ResNet and DenseNet
  timm.families = {"vit", "swin", "convmixer", "resnet", "densenet"};
  timm.prepare = prepare;
  timm.read_config = [](const std::string& text, const std::string& where) { return timm_config(text, where); };
  registry.add("timm", timm);
}

}  // namespace tessera::weights
