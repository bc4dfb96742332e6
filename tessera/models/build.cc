#include <cmath>
#include <nlohmann/json.hpp>

#include "tessera/core/file.h"
#include "tessera/models/registry.h"

namespace tessera::models {

using Json = nlohmann::ordered_json;

void register_all(Registry& registry);  // generated

const Registry& registry() {
  static const Registry instance = [] {
    Registry r;
    register_all(r);
    return r;
  }();
  return instance;
}

namespace {

Json parse_object(const std::string& text, const std::string& where) {
  const Json value = Json::parse(text, nullptr, false);
  if (!value.is_object()) fail_usage("{} must be a JSON object such as {{\"family\": \"vit\", \"depth\": 6}}", where);
  return value;
}

}  // namespace

std::string architecture_of(const std::string& name) {
  const Variant& variant = registry().variants.at(name);
  Json architecture = {{"family", variant.family}};
  architecture.update(Json::parse(variant.architecture));
  return architecture.dump();
}

std::string with_settings(const std::string& architecture, const Settings& settings) {
  Json result = parse_object(architecture, "an architecture");
  for (const auto& [key, text] : settings) {
    Json value = Json::parse(text, nullptr, false);
    if (value.is_discarded() && text.find(',') != std::string::npos)
      value = Json::parse("[" + text + "]", nullptr, false);  // "48,40"
    result[key] = value.is_discarded() ? Json(text) : value;
  }
  return result.dump();
}

std::unique_ptr<Model> build(const std::string& architecture) {
  Json keys = parse_object(architecture, "an architecture");
  if (!keys.contains("family") || !keys["family"].is_string())
    fail_usage("an architecture needs a \"family\", for example \"vit\"");
  const Family& family = registry().families.at(keys["family"].get<std::string>());
  keys.erase("family");
  return family.build(keys.dump());
}

double mlp_ratio(int64_t D, int64_t hidden) {
  double ratio = static_cast<double>(hidden) / static_cast<double>(D);
  while (static_cast<int64_t>(static_cast<double>(D) * ratio) < hidden) ratio = std::nextafter(ratio, 1e9);
  return ratio;
}

Inferred infer(const Shapes& shapes, const std::string& known) {
  for (const std::string& name : registry().families.names()) {
    const Family& family = registry().families.at(name);
    if (!family.infer) continue;
    if (std::optional<Inferred> found = family.infer(shapes, known)) return *std::move(found);
  }
  return infer_registered(shapes, known).value_or(Inferred{});
}

}  // namespace tessera::models
