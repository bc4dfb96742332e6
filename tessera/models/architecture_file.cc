#include <toml++/toml.h>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tessera/core/file.h"
#include "tessera/models/registry.h"

namespace tessera::models {

namespace {

std::string json_of_toml(const std::string& text, const std::string& path) {
  try {
    std::ostringstream json;
    json << toml::json_formatter{toml::parse(text)};
    return json.str();
  } catch (const toml::parse_error& error) {
    fail("{}:{}: {}", path, error.source().begin.line, error.description());
  }
}

}  // namespace

std::string read_architecture(const std::string& path) {
  std::string text = read_text(path);
  if (std::filesystem::path(path).extension() == ".toml") text = json_of_toml(text, path);
  const auto keys = nlohmann::json::parse(text, nullptr, false);
  TESSERA_CHECK(keys.is_object() && keys.contains("family"),
                "{}: no architecture file, which holds one object with a family, such as {{\"family\": \"vit\", "
                "\"depth\": 6}} (a recipe is for --recipe)",
                path);
  return text;
}

}  // namespace tessera::models
