// timm (https://github.com/huggingface/pytorch-image-models) and what shares its names: DeiT, DINO, MAE, AugReg.
// tessera's own names are timm's, so nothing is renamed.
#include <nlohmann/json.hpp>

#include "tessera/core/error.h"
#include "tessera/weights/origin.h"

namespace tessera::weights {
namespace {

using Json = nlohmann::ordered_json;

// timm's config.json names the model; what its shapes tell is not asked of it.
Config read_config(const std::string& text, const std::string& where) {
  Config config;
  const Json json = Json::parse(text, nullptr, false);
  TESSERA_CHECK(json.is_object(), "{}: not JSON, or damaged; get it again", where);
  const std::string name = json.value("architecture", "");
  if (models::registry().variants.contains(name)) {
    const Json keys = Json::parse(models::registry().variants.at(name).architecture);
    for (const auto& [key, value] : keys.items())
      if (key != "num_classes" && key != "img_size") config.architecture.emplace_back(key, value.dump());
  }
  if (const auto names = json.find("label_names"); names != json.end() && names->is_array())
    for (const Json& label : *names)
      config.classes.push_back(label.is_string() ? label.get<std::string>() : label.dump());
  return config;
}

}  // namespace

void register_timm(OriginRegistry& registry) {
  Origin timm;
  timm.about = "timm, DeiT, MAE, DINO: blocks.0.attn.qkv.weight";
  timm.keys = {"blocks.{i}.attn.qkv.weight", "blocks.{i}.mlp.fc1.weight", "blocks.{i}.0.fn.0.weight"};
  timm.buffers = {"{any}.relative_position_index",
                  "blocks.{i}.attn.relative_position_index",
                  "blocks.{i}.attn.rel_pos.relative_position_index",
                  "blocks.{i}.attn.rel_pos.rel_coords_log",
                  "shared_rel_pos.relative_position_index",
                  "shared_rel_pos.rel_coords_log"};
  timm.read_config = read_config;
  registry.add("timm", timm);
}

}  // namespace tessera::weights
