#include "tessera/weights/weight_file.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "tessera/core/file.h"
#include "tessera/formats/open.h"
#include "tessera/weights/architecture.h"
#include "tessera/weights/rules_file.h"
#include "tessera/weights/wrappers.h"

namespace tessera::weights {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

namespace {

bool is_buffer(const std::string& name, const Origin& origin) {
  if (name.ends_with(".num_batches_tracked")) return true;  // PyTorch's batch norms count what nothing reads
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
  TESSERA_CHECK(rule.part.whole() || shape.rank() > 0, "{}: the tensor {} is a single number, but it is a part of '{}'",
                file.path.string(), formats::in_quotes(name), parameter);
  const auto [place, is_new] = file.feed_of.emplace(parameter, file.feeds.size());
  if (is_new)
    file.feeds.push_back({parameter, rule.part.whole() ? shape : rows_of(shape, shape[0] * rule.part.of), {}});
  Feed& feed = file.feeds[place->second];
  for (const Piece& other : feed.pieces) {
    const std::string& before = file.arrays[other.array].first;
    TESSERA_CHECK(other.rule.part.of == rule.part.of && other.rule.part.index != rule.part.index,
                  "{}: the tensors {} and {} are both the parameter '{}'", file.path.string(),
                  formats::in_quotes(before), formats::in_quotes(name), parameter);
    TESSERA_CHECK(rows_of(shape, shape[0] * rule.part.of) == feed.shape,
                  "{}: the tensors {} and {}, parts of the parameter '{}', have different shapes", file.path.string(),
                  formats::in_quotes(before), formats::in_quotes(name), parameter);
  }
  feed.pieces.push_back({index, rule});
}

bool applies(const Rule& rule, const formats::NamedArrays& arrays) {
  const auto holds = [&](const std::string& name) {
    return std::any_of(arrays.begin(), arrays.end(), [&](const auto& entry) { return entry.first == name; });
  };
  return (rule.with.empty() || holds(rule.with)) && (rule.without.empty() || !holds(rule.without));
}

void plan(WeightFile& file) {
  for (size_t i = 0; i < file.arrays.size(); ++i) {
    const std::string& name = file.arrays[i].first;
    if (is_buffer(name, file.convention) || file.arrays[i].second.shape.numel() == 0) continue;
    if (file.convention.rules.empty()) {
      file.feed_of.emplace(name, file.feeds.size());
      file.feeds.push_back({name, file.arrays[i].second.shape, {{i, {}}}});
      continue;
    }
    bool used = false;
    for (const Rule& rule : file.convention.rules) {
      const std::optional<Captures> captures = match(rule.from, name);
      if (!captures || !applies(rule, file.arrays)) continue;
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
  const auto found = feed_of.find(parameter);
  return found == feed_of.end() ? nullptr : &feeds[found->second];
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
  const Json said = Json::parse(models::with_settings("{}", settings));
  file.extents = pixel_extents(file, said);
  plan(file);
  tell_architecture(file, settings);
  const bool recognised = naming.origin.empty() && naming.rules.empty() && !file.origin.empty();
  if (recognised && file.architecture.empty() && !said.contains("family")) return unknown_weights(std::move(file), all);
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
