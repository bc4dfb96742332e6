#include "tessera/weights/origins/timm_config.h"

#include <nlohmann/json.hpp>

#include "tessera/core/error.h"

namespace tessera::weights {

using Json = nlohmann::ordered_json;

Config timm_config(const std::string& text, const std::string& where,
                   const std::vector<std::pair<std::string, std::string>>& names) {
  Config config;
  const Json json = Json::parse(text, nullptr, false);
  TESSERA_CHECK(json.is_object(), "{}: not JSON, or damaged; get it again", where);
  std::string name = json.value("architecture", "");
  config.model = name;
  for (const auto& [theirs, ours] : names)
    if (name == theirs) name = ours;
  if (models::registry().variants.contains(name)) {
    const Json pretrained = json.value("pretrained_cfg", Json());
    const Json size = pretrained.is_object() ? pretrained.value("input_size", Json()) : Json();  // (C, H, W)
    const std::string& family = models::registry().variants.at(name).family;
    const bool untold = family != "vit";  // by any weight of it
    if (untold && size.is_array() && size.size() == 3)
      config.architecture.emplace_back("img_size", Json::array({size[1], size[2]}).dump());
    const Json keys = Json::parse(models::registry().variants.at(name).architecture);
    for (const auto& [key, value] : keys.items())
      if (key != "num_classes" && key != "img_size") config.architecture.emplace_back(key, value.dump());
  }
  if (const auto labels = json.find("label_names"); labels != json.end() && labels->is_array())
    for (const Json& label : *labels)
      config.classes.push_back(label.is_string() ? label.get<std::string>() : label.dump());
  return config;
}

}  // namespace tessera::weights
