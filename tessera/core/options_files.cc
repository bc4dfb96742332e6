// Options from and to files: TOML recipes and stored JSON. Both are read as JSON values, so that one set of rules
// serves both.
#include <fmt/format.h>

#include <toml++/toml.h>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "tessera/core/error.h"
#include "tessera/core/options.h"
#include "tessera/core/text.h"

namespace tessera {
namespace {

using nlohmann::ordered_json;

ordered_json to_json_value(const toml::node& node) {
  if (const auto* value = node.as_boolean()) return value->get();
  if (const auto* value = node.as_integer()) return value->get();
  if (const auto* value = node.as_floating_point()) return value->get();
  if (const auto* value = node.as_string()) return value->get();
  ordered_json out;
  if (const toml::array* array = node.as_array()) {
    out = ordered_json::array();
    for (const toml::node& element : *array) out.push_back(to_json_value(element));
  } else if (const toml::table* table = node.as_table()) {
    out = ordered_json::object();
    for (const auto& [key, element] : *table) out[std::string(key.str())] = to_json_value(element);
  } else {
    out = ordered_json::binary({});  // a date or a time, which no option takes
  }
  return out;
}

// File names may be no UTF-8; JSON must be.
std::string dump(const ordered_json& value) {
  return value.dump(-1, ' ', /*ensure_ascii=*/false, ordered_json::error_handler_t::replace);
}

// As a person would write it behind a flag.
std::string text_of(const ordered_json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number_float()) return fmt::format("{}", value.get<double>());  // dump() writes null for NaN
  if (value.is_binary()) return "a date or a time";
  if (!value.is_array()) return dump(value);
  std::vector<std::string> texts;
  for (const ordered_json& element : value) texts.push_back(text_of(element));
  return fmt::format("{}", fmt::join(texts, ","));
}

bool convert(const ordered_json& from, bool& to) { return from.is_boolean() && (to = from.get<bool>(), true); }

bool convert(const ordered_json& from, double& to) { return from.is_number() && (to = from.get<double>(), true); }

bool convert(const ordered_json& from, std::string& to) {
  return from.is_string() && (to = from.get<std::string>(), true);
}

bool convert(const ordered_json& from, int64_t& to) {
  if (!from.is_number_integer()) return false;
  if (from.is_number_unsigned() && from.get<uint64_t>() > uint64_t{INT64_MAX}) return false;
  to = from.get<int64_t>();
  return true;
}

template <class T>
bool convert(const ordered_json& from, std::vector<T>& to) {
  if constexpr (std::is_same_v<T, std::string>) {
    if (from.is_object()) {
      for (const auto& [key, value] : from.items()) to.push_back(key + "=" + text_of(value));
      return true;
    }
  }
  if (!from.is_array()) return convert(from, to.emplace_back());
  for (const ordered_json& element : from) {
    if (!convert(element, to.emplace_back())) return false;
  }
  return true;
}

}  // namespace

// The part of Options that knows JSON, kept out of the header.
struct Options::Files {
  static void put(Option& option, const ordered_json& from, const std::string& where) {
    if (from.is_null()) return;
    const auto value = std::visit(
        [&](const auto* variable) -> std::optional<Option::Value> {
          auto to = std::decay_t<decltype(*variable)>();
          if (!convert(from, to)) return std::nullopt;
          return Option::Value(std::move(to));
        },
        option.variable_);
    Options::put(option, value, text_of(from), Source::file, where);
  }

  static void read(Options& options, const toml::table& table, const std::string& where, std::set<std::string>& seen) {
    for (const auto& [key, node] : table) {
      const std::string name(key.str()), place = fmt::format("{}:{}", where, node.source().begin.line);
      if (const toml::table* group = node.as_table(); group && !options.lookup(name)) {
        read(options, *group, where, seen);
        continue;
      }
      Option& option = options.find(name, place);
      if (!seen.insert(option.name_).second) fail_usage("{}: '{}' is given twice", place, name);
      put(option, to_json_value(node), place);
    }
  }

  static ordered_json value(const Option& option) {
    return std::visit([](const auto& value) { return ordered_json(value); }, option.value());
  }
};

void Options::read_toml(std::string_view text, const std::string& where) {
  toml::table table;
  try {
    table = toml::parse(text);
  } catch (const toml::parse_error& e) {
    fail_usage("{}:{}: not valid TOML: {}", where, e.source().begin.line, e.description());
  }
  std::set<std::string> seen;
  Files::read(*this, table, where, seen);
}

void Options::read_toml_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  if (std::filesystem::is_directory(path) || !file || !(text << file.rdbuf()))
    fail_usage("cannot read the file '{}'", path.string());
  read_toml(text.str(), path.string());
}

void Options::from_json(std::string_view text, const std::string& where) {
  const ordered_json object = ordered_json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!object.is_object()) fail_usage("{}: not a JSON object of options", where);
  for (const auto& [name, value] : object.items()) Files::put(find(name, where), value, where);
}

std::string Options::to_json(Stored stored) const {
  ordered_json out = ordered_json::object();
  for (const Option& option : options_) {
    if (stored == Stored::all || !option.local_) out[option.name_] = Files::value(option);
  }
  return dump(out);
}

// JSON's way of writing a boolean, number, text or array is TOML's as well.
std::string Options::to_toml() const {
  std::string out, section;
  for (const Option& option : options_) {
    if (option.section_ != section) out += fmt::format("{}# {}\n", out.empty() ? "" : "\n", option.section_);
    section = option.section_;
    out += fmt::format("{} = {}\n", option.name_, dump(Files::value(option)));
  }
  return out;
}

}  // namespace tessera
