#include "tessera/weights/weight_file.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "tessera/core/file.h"
#include "tessera/formats/open.h"
#include "tessera/weights/rules_file.h"
#include "tessera/weights/wrappers.h"

namespace tessera::weights {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

namespace {

bool is_buffer(const std::string& name, const Origin& origin) {
  return std::any_of(origin.buffers.begin(), origin.buffers.end(), [&](const std::string& pattern) {
    return match(pattern, name).has_value() || matches_glob(pattern, name);
  });
}

// "deit." in front of a name becomes "vit.", which also comes in front of names that need it to match a rule.
std::string canonical(const std::string& name, const Origin& origin) {
  if (origin.roots.empty()) return name;
  const std::string& first = origin.roots.front();
  for (const std::string& root : origin.roots)
    if (name.compare(0, root.size(), root) == 0) return first + name.substr(root.size());
  const auto takes = [&](const std::string& tried) {
    return std::any_of(origin.rules.begin(), origin.rules.end(),
                       [&](const Rule& rule) { return match(rule.from, tried).has_value(); }) ||
           is_buffer(tried, origin);
  };
  return !takes(name) && takes(first + name) ? first + name : name;
}

Shape rows_of(const Shape& shape, int64_t rows) {
  std::vector<int64_t> extents(shape.extents().begin(), shape.extents().end());
  if (!extents.empty()) extents[0] = rows;
  return Shape(extents);
}

// The shape of the part of the array that a rule takes.
Shape taken_shape(const formats::Array& array, const Rule& rule, const std::string& name) {
  if (rule.take.whole()) return array.shape;
  TESSERA_CHECK(array.shape.rank() > 0 && array.shape[0] % rule.take.of == 0,
                "the tensor {} is {}, which has no {} equal blocks of rows", formats::in_quotes(name),
                to_string(array.shape), rule.take.of);
  return rows_of(array.shape, array.shape[0] / rule.take.of);
}

// Extents of "(y x c)", the pixels of a patch as one axis, which the shape does not tell: those said, or a square patch
// of three channels.
Extents pixel_extents(const WeightFile& file, const Json& said) {
  int64_t channels = said.value("in_chans", int64_t{3}), side = 0;
  if (const auto patch = said.find("patch_size"); patch != said.end())
    side = patch->is_array() ? patch->front().get<int64_t>() : patch->get<int64_t>();
  for (const auto& [name, array] : file.arrays)
    for (const Rule& rule : file.convention.rules)
      if (side == 0 && rule.rearrange.find("(y x c)") != std::string::npos && array.shape.rank() == 2 &&
          match(rule.from, name))
        side = std::llround(std::sqrt(static_cast<double>(array.shape[1]) / static_cast<double>(channels)));
  return {{"c", channels}, {"y", side}};
}

// Adds what this array feeds by this rule.
void add_piece(WeightFile& file, size_t index, const Rule& rule, const std::string& parameter) {
  const auto& [name, array] = file.arrays[index];
  const Rearrange rearrange(rule.rearrange);
  Shape shape;
  try {
    shape = rearrange.result(taken_shape(array, rule, name), file.extents);
  } catch (const Error& error) {
    fail("{}: the tensor {} does not fit: {}", file.path.string(), formats::in_quotes(name), error.what());
  }
  auto feed = std::find_if(file.feeds.begin(), file.feeds.end(),
                           [&](const Feed& other) { return other.parameter == parameter; });
  if (feed == file.feeds.end()) {
    file.feeds.push_back({parameter, rule.part.whole() ? shape : rows_of(shape, shape[0] * rule.part.of), {}});
    feed = file.feeds.end() - 1;
  }
  for (const Piece& other : feed->pieces) {
    const std::string& before = file.arrays[other.array].first;
    TESSERA_CHECK(other.rule.part.of == rule.part.of && other.rule.part.index != rule.part.index,
                  "{}: the tensors {} and {} are both the parameter '{}'", file.path.string(),
                  formats::in_quotes(before), formats::in_quotes(name), parameter);
    TESSERA_CHECK(rows_of(shape, shape[0] * rule.part.of) == feed->shape,
                  "{}: the tensors {} and {}, parts of the parameter '{}', have different shapes", file.path.string(),
                  formats::in_quotes(before), formats::in_quotes(name), parameter);
  }
  feed->pieces.push_back({index, rule});
}

void plan(WeightFile& file) {
  for (size_t i = 0; i < file.arrays.size(); ++i) {
    const std::string& name = file.arrays[i].first;
    if (is_buffer(name, file.convention) || file.arrays[i].second.shape.numel() == 0) continue;
    if (file.convention.rules.empty()) {
      file.feeds.push_back({name, file.arrays[i].second.shape, {{i, {}}}});
      continue;
    }
    bool used = false;
    for (const Rule& rule : file.convention.rules) {
      const std::optional<Captures> captures = match(rule.from, name);
      if (!captures) continue;
      add_piece(file, i, rule, filled(rule.to, *captures));
      used = true;
    }
    if (!used) file.unused.push_back(i);
  }
  for (Feed& feed : file.feeds) {
    const Part& part = feed.pieces.front().rule.part;
    TESSERA_CHECK(static_cast<int>(feed.pieces.size()) == part.of,
                  "{}: the parameter '{}' is made of {} tensors, of which the file has {} ({}); it is incomplete",
                  file.path.string(), feed.parameter, part.of, feed.pieces.size(),
                  formats::in_quotes(file.arrays[feed.pieces.front().array].first));
    std::sort(feed.pieces.begin(), feed.pieces.end(),
              [](const Piece& a, const Piece& b) { return a.rule.part.index < b.rule.part.index; });
  }
}

void put(Json& json, const models::Settings& settings) {
  json = Json::parse(models::with_settings(json.dump(), settings));
}

// The config.json beside the weights, if there is one that this origin, or for want of one any, understands.
Config read_config(WeightFile& file) {
  const fs::path path = file.path.parent_path() / "config.json";
  std::error_code unreadable;
  if (!fs::exists(path, unreadable)) return {};
  const Json json = Json::parse(read_text(path), nullptr, false);
  const bool by_type = json.is_object() && json.contains("model_type");
  const Origin& origin = by_type && file.convention.rules.empty() ? origins().at("hf") : file.convention;
  if (!origin.read_config) return {};
  Config config = origin.read_config(json.is_discarded() ? "" : json.dump(), path.string());
  file.config = path;
  return config;
}

// Whether two values of a key say the same: 32 and [32, 32] do.
bool same(const Json& a, const Json& b) {
  if (a.is_array() && !b.is_array()) return std::all_of(a.begin(), a.end(), [&](const Json& x) { return x == b; });
  if (a.is_number_float() || b.is_number_float()) return std::abs(a.get<double>() - b.get<double>()) < 1e-6;
  return a == b;
}

void check_config(const WeightFile& file, const Config& config, const Json& inferred) {
  Json said = Json::object();
  put(said, config.architecture);
  for (const auto& [key, theirs] : config.called) {
    if (!inferred.contains(key) || !said.contains(key)) continue;
    TESSERA_CHECK(same(inferred[key], said[key]),
                  "{}: {} is {}, but the weights have {}; the two do not belong together", file.config.string(), theirs,
                  said[key].dump(), inferred[key].dump());
  }
}

// The registered model that a text names: the longest name in it.
std::string named_model(const WeightFile& file, std::string text) {
  std::replace(text.begin(), text.end(), '-', '_');
  std::string found, model;
  const auto consider = [&](const std::string& name, const std::string& registered) {
    if (name.size() <= found.size() || text.find(name) == std::string::npos) return;
    found = name;
    model = registered;
  };
  for (const std::string& name : models::registry().variants.names()) consider(name, name);
  for (const auto& [theirs, ours] : file.convention.names) consider(theirs, ours);
  return models::registry().variants.contains(model) ? model : "";
}

// Where the file itself does not say how many heads there are: the model that it or its name mentions, if the rest is
// the same.
void take_from_name(WeightFile& file, Json& architecture) {
  std::vector<std::string> texts;
  for (const char* key :
       {"arch", "model_name", "args/model", "args/arch", "hyper_parameters/model_name", "architecture"})
    if (const auto found = file.metadata.find(key); found != file.metadata.end()) texts.push_back(found->second);
  texts.push_back(file.path.stem().string());
  texts.push_back(file.path.parent_path().filename().string());
  for (const std::string& text : texts) {
    const std::string model = named_model(file, text);
    if (model.empty()) continue;
    const Json theirs = Json::parse(models::build(models::architecture_of(model))->architecture());
    if (theirs["embed_dim"] != architecture["embed_dim"] || theirs["depth"] != architecture["depth"]) continue;
    file.name = model;
    const auto unknown = std::find(file.unknown.begin(), file.unknown.end(), "num_heads");
    if (unknown == file.unknown.end()) return;
    architecture["num_heads"] = theirs["num_heads"];
    file.unknown.erase(unknown);
    return;
  }
}

// JAX's kernels have an axis of heads.
void take_heads(const WeightFile& file, Json& said) {
  const Feed* qkv = file.feed("blocks.0.attn.qkv.weight");
  if (!qkv || said.contains("num_heads")) return;
  const Rearrange rearrange(qkv->pieces.front().rule.rearrange);
  if (rearrange.is_identity()) return;
  const Extents extents = rearrange.extents(file.arrays[qkv->pieces.front().array].second.shape, file.extents);
  if (const auto heads = extents.find("h"); heads != extents.end()) said["num_heads"] = heads->second;
}

void tell_architecture(WeightFile& file, const models::Settings& settings) {
  const Config config = read_config(file);
  file.class_names = config.classes;
  Json said = Json::object();
  put(said, file.convention.architecture);
  put(said, config.architecture);
  Json known = said;
  put(known, settings);
  take_heads(file, known);
  models::Shapes shapes;
  for (const Feed& feed : file.feeds) shapes[feed.parameter] = feed.shape;
  models::Inferred inferred;
  try {
    inferred = models::infer(shapes, known.dump());
  } catch (const UsageError&) {
    throw;
  } catch (const Error& error) {
    fail("{}: {}", file.path.string(), error.what());
  }
  if (inferred.architecture.empty()) return;
  Json architecture = Json::parse(inferred.architecture);
  if (!file.config.empty()) check_config(file, config, architecture);
  file.unknown = inferred.unknown;
  file.assumed = inferred.assumed;
  for (const auto& [key, value] : said.items())
    if (!config.called.count(key) || !architecture.contains(key)) architecture[key] = value;
  take_from_name(file, architecture);
  file.architecture = architecture.dump();
}

void adopt_origin(WeightFile& file, const Naming& naming) {
  if (!naming.rules.empty()) {
    file.convention = read_rules(naming.rules);
    file.origin = naming.rules.string();
  } else if (!naming.origin.empty()) {
    file.convention = origins().at(naming.origin);
    file.origin = naming.origin;
  }
  std::vector<std::string> keys = file.convention.keys, roots = file.convention.roots;
  if (file.origin.empty()) {
    for (const std::string& name : origins().names()) {
      const Origin& origin = origins().at(name);
      keys.insert(keys.end(), origin.keys.begin(), origin.keys.end());
      roots.insert(roots.end(), origin.roots.begin(), origin.roots.end());
    }
  }
  peel(file, keys, roots);
  if (!file.origin.empty()) return;
  file.origin = recognise(file.arrays, file.path.string());
  if (!file.origin.empty()) file.convention = origins().at(file.origin);
}

// Of a model that shares some names with one that is known (Swin's blocks with ViT's): all of the file, as it is.
WeightFile unknown_weights(WeightFile file, const formats::NamedArrays& all) {
  WeightFile plain;
  plain.path = std::move(file.path);
  plain.format = std::move(file.format);
  plain.metadata = std::move(file.metadata);
  plain.arrays = all;
  plan(plain);
  return plain;
}

}  // namespace

const Feed* WeightFile::feed(const std::string& parameter) const {
  const auto found =
      std::find_if(feeds.begin(), feeds.end(), [&](const Feed& feed) { return feed.parameter == parameter; });
  return found == feeds.end() ? nullptr : &*found;
}

WeightFile open_weights(const fs::path& path, const Naming& naming, const models::Settings& settings) {
  WeightFile file;
  formats::ArrayFile read = formats::read_arrays(path);
  file.path = formats::weights_file(path);
  file.format = std::move(read.format);
  file.arrays = std::move(read.arrays);
  file.metadata = std::move(read.metadata);
  if (const auto own = file.metadata.find("tessera.architecture"); own != file.metadata.end()) {
    file.origin = "tessera";
    file.convention = origins().at("timm");
    file.architecture = own->second;
    plan(file);
    return file;
  }
  const formats::NamedArrays all = file.arrays;
  adopt_origin(file, naming);
  if (file.convention.prepare) file.convention.prepare(file.arrays);
  for (auto& [name, array] : file.arrays) name = canonical(name, file.convention);
  Json said = Json::object();
  put(said, settings);
  file.extents = pixel_extents(file, said);
  plan(file);
  tell_architecture(file, settings);
  const bool recognised = naming.origin.empty() && naming.rules.empty() && !file.origin.empty();
  if (recognised && file.architecture.empty()) return unknown_weights(std::move(file), all);
  const bool lacks_config = file.convention.needs_config && file.config.empty() && fs::is_directory(path) &&
                            std::count(file.unknown.begin(), file.unknown.end(), "num_heads") > 0;
  TESSERA_CHECK(!lacks_config || said.contains("num_heads"),
                "{}: there is no config.json beside the weights, which would say how many heads the model has and its "
                "epsilon; fetch it, or say --set num_heads=N",
                path.string());
  return file;
}

void read_feed(const WeightFile& file, const Feed& feed, std::span<float> out) {
  const size_t share = out.size() / feed.pieces.size();
  for (size_t i = 0; i < feed.pieces.size(); ++i) {
    const auto& [index, rule] = feed.pieces[i];
    const auto& [name, whole] = file.arrays[index];
    formats::Array array = whole;
    array.shape = taken_shape(whole, rule, name);
    const size_t bytes = whole.bytes.size() / static_cast<size_t>(rule.take.of);
    array.bytes = whole.bytes.subspan(static_cast<size_t>(rule.take.index) * bytes, bytes);
    const std::span<float> place = out.subspan(i * share, share);
    const Rearrange rearrange(rule.rearrange);
    if (rearrange.is_identity()) {
      formats::copy_to_f32(array, place);
    } else if (array.type == formats::FileType::F32) {
      rearrange.apply(array.bytes, array.shape, place, file.extents);
      formats::HeldBytes{array.bytes, nullptr, array.mapped}.forget();
    } else {
      std::vector<float> elements(place.size());
      formats::copy_to_f32(array, elements);
      rearrange.apply(std::as_bytes(std::span(elements)), array.shape, place, file.extents);
    }
  }
}

}  // namespace tessera::weights
