#include "tessera/train/difference.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace tessera::train {

std::string difference(const std::string& there, const std::string& here, Keys keys) {
  using nlohmann::json;
  const json first = json::parse(there), second = json::parse(here);
  const auto value = [](const json& object, const std::string& key) {
    return object.contains(key) ? object[key].dump() : std::string("not set");
  };
  json all = first;
  all.update(second);
  for (const auto& [key, unused] : all.items()) {
    if (keys == Keys::common && !(first.contains(key) && second.contains(key))) continue;
    const std::string a = value(first, key), b = value(second, key);
    if (a == b) continue;
    if (a.size() + b.size() > 120) return fmt::format("its {} differs", key);
    return fmt::format("{} is {} there and {} here", key, a, b);
  }
  return "";
}

}  // namespace tessera::train
