#include "tessera/weights/rules_file.h"

#include <toml++/toml.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "tessera/core/error.h"
#include "tessera/core/file.h"
#include "tessera/core/text.h"
#include "tessera/weights/rearrange.h"

namespace tessera::weights {
namespace {

using Json = nlohmann::json;

struct RulesFile {
  std::string where;
  Origin origin = {};

  void read(const Json& json);
  void add(const std::string& from, const Json& value);
  Part part_of(const Json& value, const std::string& rule, const char* key) const;
  std::string text_of(const Json& value, const std::string& rule, const char* key) const;
  void check_pattern(const std::string& pattern) const;
};

std::string RulesFile::text_of(const Json& value, const std::string& rule, const char* key) const {
  TESSERA_CHECK(value.is_string(), "{}: rule '{}': {} must be a text", where, rule, key);
  return value.get<std::string>();
}

// [1, 3] is the first of three.
Part RulesFile::part_of(const Json& value, const std::string& rule, const char* key) const {
  const bool pair =
      value.is_array() && value.size() == 2 && value[0].is_number_integer() && value[1].is_number_integer();
  TESSERA_CHECK(pair && value[0] >= 1 && value[0] <= value[1] && value[1] <= 1024,
                "{}: rule '{}': {} must be [WHICH, OF HOW MANY], as [1, 3] for the first of three, not {}", where, rule,
                key, value.dump());
  return {value[0].get<int>() - 1, value[1].get<int>()};
}

void RulesFile::check_pattern(const std::string& pattern) const {
  bool open = false;
  for (char c : pattern) {
    TESSERA_CHECK(c != '{' || !open, "{}: '{}' has a '{{' within another", where, pattern);
    TESSERA_CHECK(c != '}' || open, "{}: '{}' has a '}}' that nothing opens", where, pattern);
    if (c == '{' || c == '}') open = c == '{';
  }
  TESSERA_CHECK(!open && !pattern.empty(), "{}: the pattern '{}' is empty or lacks a '}}'", where, pattern);
}

// A name that the pattern matches: each placeholder is 1.
std::string example_of(std::string_view pattern) {
  std::string name;
  bool inside = false;
  for (char c : pattern) {
    if (c == '{' || !inside) name += c == '{' ? '1' : c;
    if (c == '{' || c == '}') inside = c == '{';
  }
  return name;
}

void RulesFile::add(const std::string& from, const Json& value) {
  if (value.is_array()) {
    for (const Json& one : value) add(from, one);
    return;
  }
  Rule rule{.from = from, .to = ""};
  if (value.is_string()) {
    rule.to = value.get<std::string>();
  } else {
    TESSERA_CHECK(value.is_object(), "{}: rule '{}' must name a parameter, or be a table with 'to'", where, from);
    for (const auto& [key, entry] : value.items()) {
      if (key == "to") {
        rule.to = text_of(entry, from, "to");
      } else if (key == "rearrange") {
        rule.rearrange = text_of(entry, from, "rearrange");
      } else if (key == "part") {
        rule.part = part_of(entry, from, "part");
      } else if (key == "take") {
        rule.take = part_of(entry, from, "take");
      } else {
        fail("{}: rule '{}' has an unknown key '{}'{}", where, from, key,
             did_you_mean(key, {"to", "rearrange", "part", "take"}));
      }
    }
    TESSERA_CHECK(!rule.to.empty(), "{}: rule '{}' lacks 'to', the parameter", where, from);
  }
  check_pattern(from);
  check_pattern(rule.to);
  const Rearrange rearrange(rule.rearrange, where + ": rule '" + from + "'");
  try {
    filled(rule.to, match(from, example_of(from)).value_or(Captures()));
  } catch (const std::out_of_range&) {
    fail("{}: rule '{}': '{}' has a placeholder that the name does not have", where, from, rule.to);
  }
  origin.rules.push_back(rule);
  origin.keys.push_back(from);
}

void RulesFile::read(const Json& json) {
  for (const auto& [key, value] : json.items()) {
    if (key == "rules") {
      TESSERA_CHECK(value.is_object(), "{}: 'rules' must be a table", where);
      for (const auto& [from, to] : value.items()) add(from, to);
    } else if (key == "architecture") {
      TESSERA_CHECK(value.is_object(), "{}: 'architecture' must be a table", where);
      for (const auto& [name, setting] : value.items()) origin.architecture.emplace_back(name, setting.dump());
    } else if (key == "ignore") {
      for (const Json& pattern : value) origin.buffers.push_back(text_of(pattern, "ignore", "each entry"));
    } else if (key == "positions") {
      origin.positions = position_resize_named(text_of(value, "positions", "it"));
    } else {
      fail("{}: unknown key '{}'{}", where, key, did_you_mean(key, {"rules", "architecture", "ignore", "positions"}));
    }
  }
  TESSERA_CHECK(!origin.rules.empty(), "{}: a rules file needs a table [rules] of \"name in the file\" = \"parameter\"",
                where);
}

}  // namespace

Origin read_rules(const std::filesystem::path& path) {
  RulesFile file{path.string()};
  std::ostringstream json;
  try {
    json << toml::json_formatter{toml::parse(read_text(path))};
  } catch (const toml::parse_error& error) {
    fail("{}:{}: {}", path.string(), error.source().begin.line, error.description());
  }
  file.read(Json::parse(json.str()));
  file.origin.about = "the rules of " + path.string();
  return std::move(file.origin);
}

}  // namespace tessera::weights
