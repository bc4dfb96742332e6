#include <toml++/toml.h>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tessera/core/file.h"
#include "tessera/models/registry.h"

namespace tessera::models {

std::string read_architecture(const std::string& path) {
  const std::string text = read_text(path);
  if (std::filesystem::path(path).extension() != ".toml") {
    TESSERA_CHECK(nlohmann::json::parse(text, nullptr, false).is_object(),
                  "{}: an architecture file holds one JSON object such as {{\"family\": \"vit\", \"depth\": 6}}", path);
    return text;
  }
  try {
    std::ostringstream json;
    json << toml::json_formatter{toml::parse(text)};
    return json.str();
  } catch (const toml::parse_error& error) {
    fail("{}:{}: {}", path, error.source().begin.line, error.description());
  }
}

}  // namespace tessera::models
