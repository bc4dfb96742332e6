#include "tessera/models/network_text.h"

#include <charconv>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tessera/core/error.h"
#include "tessera/core/text.h"

namespace tessera::models {
namespace {

using Json = nlohmann::ordered_json;
using Arguments = std::map<std::string, std::string>;

constexpr int kDeepest = 32;          // tables and blocks within each other
constexpr size_t kMostLayers = 4096;  // that blocks may become

std::string trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t\r\n"), end = text.find_last_not_of(" \t\r\n");
  return begin == std::string_view::npos ? "" : std::string(text.substr(begin, end - begin + 1));
}

// "conv 64 3x3 stride=2" -> its name, values and options.
LayerSpec words_of(const std::string& place, const std::string& text) {
  LayerSpec spec{.place = place, .text = text, .name = {}, .values = {}, .options = {}, .lists = {}};
  std::istringstream words(text);
  words >> spec.name;
  for (std::string word; words >> word;) {
    const size_t equals = word.find('=');
    if (equals == std::string::npos) {
      spec.values.push_back(word);
    } else if (!spec.options.emplace(word.substr(0, equals), word.substr(equals + 1)).second) {
      spec.complain(fmt::format("'{}' stands twice", word.substr(0, equals)));
    }
  }
  return spec;
}

class Reader {
 public:
  explicit Reader(const Json& blocks) : blocks_(blocks) {}

  std::vector<LayerSpec> list(const Json& layers, const std::string& place, int depth) {
    if (!layers.is_array()) fail_usage("{}: a list of layers belongs here, such as [\"conv 64 3x3\", \"relu\"]", place);
    if (depth > kDeepest) fail_usage("{}: blocks and tables stand more than {} deep in each other", place, kDeepest);
    std::vector<LayerSpec> specs;
    for (size_t i = 0; i < layers.size(); ++i) {
      const std::string at = fmt::format("{}[{}]", place, i);
      if (layers[i].is_string()) {
        for (const std::string& text : split(layers[i].get<std::string>(), ','))
          specs.push_back(line(trimmed(text), at, depth));
      } else {
        specs.push_back(table(layers[i], at, depth));
      }
    }
    return specs;
  }

 private:
  LayerSpec line(const std::string& text, const std::string& place, int depth) {
    if (text.empty()) fail_usage("{}: there is no layer between two commas", place);
    if (++count_ > kMostLayers) fail_usage("{}: there are more than {} layers", place, kMostLayers);
    LayerSpec spec = words_of(place, text);
    if (!blocks_.contains(spec.name)) return spec;
    if (!spec.values.empty()) spec.complain("a block takes its parameters by name, as in width=64");
    std::set<std::string> used;
    const Json layers = with_arguments(blocks_[spec.name], spec, used);
    for (const auto& [name, value] : spec.options)
      if (!used.count(name)) spec.complain(fmt::format("the block '{}' has no {{{}}}", spec.name, name));
    spec.lists["layers"] = {list(layers, fmt::format("{} {}", place, spec.name), depth + 1)};
    spec.name = "layers";
    spec.options.clear();
    return spec;
  }

  // {residual = […], shortcut = […]}, {concat = [[…], […]]}, {layers = […], repeat = 3}
  LayerSpec table(const Json& object, const std::string& place, int depth) {
    if (!object.is_object()) fail_usage("{}: a layer is a text or a table, but this is {}", place, object.dump());
    LayerSpec spec{.place = place, .text = {}, .name = {}, .values = {}, .options = {}, .lists = {}};
    for (const char* kind : {"residual", "concat", "layers"}) {
      if (!object.contains(kind)) continue;
      if (!spec.name.empty()) fail_usage("{}: one table is a {} and a {}", place, spec.name, kind);
      spec.name = spec.text = kind;
    }
    if (spec.name.empty())
      fail_usage("{}: a table of layers has one of the keys residual, concat and layers, but this is {}", place,
                 object.dump());
    for (const auto& [key, value] : object.items()) {
      const std::string at = place + "." + key;
      if (key == "concat") {
        if (!value.is_array() || value.empty())
          fail_usage("{}: a list of lists of layers belongs here, one for each branch", at);
        for (size_t i = 0; i < value.size(); ++i)
          spec.lists[key].push_back(list(value[i], fmt::format("{}[{}]", at, i), depth + 1));
      } else if (value.is_array()) {
        spec.lists[key].push_back(list(value, at, depth + 1));
      } else {
        spec.options[key] = value.is_string() ? value.get<std::string>() : value.dump();
      }
    }
    return spec;
  }

  // The block's layers with its parameters filled in: {width}, or {stride=1} where it may be left out.
  Json with_arguments(const Json& value, const LayerSpec& use, std::set<std::string>& used) const {
    if (value.is_string()) return filled(value.get<std::string>(), use, used);
    Json result = value;
    if (value.is_structured())
      for (Json& element : result) element = with_arguments(element, use, used);
    return result;
  }

  static std::string filled(const std::string& text, const LayerSpec& use, std::set<std::string>& used) {
    std::string result;
    size_t at = 0;
    for (size_t open; (open = text.find('{', at)) != std::string::npos;) {
      const size_t close = text.find('}', open);
      if (close == std::string::npos) use.complain(fmt::format("'{{' without '}}' in \"{}\"", text));
      const std::string inside = text.substr(open + 1, close - open - 1);
      const size_t equals = inside.find('=');
      const std::string name = inside.substr(0, equals);
      const auto given = use.options.find(name);
      if (given == use.options.end() && equals == std::string::npos)
        use.complain(fmt::format("the block '{}' needs {}=…", use.name, name));
      result += text.substr(at, open - at);
      result += given != use.options.end() ? given->second : inside.substr(equals + 1);
      used.insert(name);
      at = close + 1;
    }
    return result + text.substr(at);
  }

  const Json& blocks_;
  size_t count_ = 0;
};

}  // namespace

void LayerSpec::complain(const std::string& what) const { fail_usage("{}: {}: {}", place, text, what); }

std::vector<LayerSpec> read_layers(const std::string& layers, const std::string& blocks) {
  const Json list = Json::parse(layers, nullptr, false), defined = Json::parse(blocks, nullptr, false);
  if (!defined.is_object()) fail_usage("blocks: a table of lists of layers belongs here");
  return Reader(defined).list(list, "layers", 0);
}

void LayerWords::complain(const std::string& what) const { spec_.complain(what + "; it is " + usage_); }

int64_t LayerWords::whole(const std::string& text, int64_t least, const std::string& what) const {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < least || value > 65536)
    complain(fmt::format("{} must be a whole number from {} to 65536, not '{}'", what, least, text));
  return value;
}

double LayerWords::real(const std::string& text, const std::string& what) const {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size())
    complain(fmt::format("{} must be a number, not '{}'", what, text));
  return value;
}

std::string LayerWords::value() {
  if (!has_value()) complain("something is missing");
  return spec_.values[next_++];
}

int64_t LayerWords::number() {
  const std::string text = value();
  return whole(text, 1, "'" + text + "'");
}

int64_t LayerWords::square() {
  const std::string text = value();
  const size_t cross = text.find('x');
  if (cross == std::string::npos || text.substr(0, cross) != text.substr(cross + 1))
    complain(fmt::format("a square such as 3x3 belongs in the place of '{}'", text));
  return whole(text.substr(0, cross), 1, "the side of '" + text + "'");
}

double LayerWords::fraction() {
  const std::string text = value();
  const double p = real(text, "'" + text + "'");
  if (!(p >= 0 && p < 1)) complain(fmt::format("'{}' must be at least 0 and below 1", text));
  return p;
}

const std::string* LayerWords::find(const char* name) {
  known_.insert(name);
  const auto found = spec_.options.find(name);
  return found == spec_.options.end() ? nullptr : &found->second;
}

int64_t LayerWords::option(const char* name, int64_t initial, int64_t least) {
  const std::string* text = find(name);
  return text ? whole(*text, least, name) : initial;
}

double LayerWords::positive(const char* name, double initial) {
  const std::string* text = find(name);
  const double value = text ? real(*text, name) : initial;
  if (!(value > 0)) complain(fmt::format("{} must be above 0", name));
  return value;
}

double LayerWords::fraction(const char* name, double initial) {
  const std::string* text = find(name);
  const double p = text ? real(*text, name) : initial;
  if (!(p >= 0 && p < 1)) complain(fmt::format("{} must be at least 0 and below 1", name));
  return p;
}

std::string LayerWords::word(const char* name, const std::string& initial) {
  const std::string* text = find(name);
  return text ? *text : initial;
}

std::optional<bool> LayerWords::choice(const char* name) {
  const std::string* text = find(name);
  if (!text) return std::nullopt;
  if (*text != "true" && *text != "false") complain(fmt::format("{} is true or false, not '{}'", name, *text));
  return *text == "true";
}

void LayerWords::done() const {
  if (has_value()) complain(fmt::format("'{}' is one word too many", spec_.values[next_]));
  const std::vector<std::string> names(known_.begin(), known_.end());
  for (const auto& [name, text] : spec_.options)
    if (!known_.count(name)) complain(fmt::format("unknown option '{}'{}", name, did_you_mean(name, names)));
  for (const auto& [key, layers] : spec_.lists)
    if (key != spec_.name && !known_.count(key))
      complain(fmt::format("unknown key '{}'{}", key, did_you_mean(key, names)));
}

}  // namespace tessera::models
