#include "tessera/weights/architecture.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "tessera/core/error.h"
#include "tessera/core/file.h"

namespace tessera::weights {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

namespace {

Json with(const Json& keys, const models::Settings& settings) {
  return Json::parse(models::with_settings(keys.dump(), settings));
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

// settings: what the user says, which may be otherwise.
void check_config(const WeightFile& file, const Config& config, const Json& inferred,
                  const models::Settings& settings) {
  Json said = Json::object();
  said = with(said, config.architecture);
  for (const auto& [key, theirs] : config.called) {
    const bool asked =
        std::any_of(settings.begin(), settings.end(), [&, key = key](const auto& s) { return s.first == key; });
    if (asked || !inferred.contains(key) || !said.contains(key)) continue;
    TESSERA_CHECK(same(inferred[key], said[key]),
                  "{}: {} is {}, but the weights have {}; the two do not belong together", file.config.string(), theirs,
                  said[key].dump(), inferred[key].dump());
  }
}

// What may name the model: its config, the file's metadata, its name and its folder's.
std::vector<std::string> names_of(const WeightFile& file, const Config& config) {
  std::vector<std::string> texts = {config.model};
  for (const char* key :
       {"arch", "model_name", "args/model", "args/arch", "hyper_parameters/model_name", "architecture"})
    if (const auto found = file.metadata.find(key); found != file.metadata.end()) texts.push_back(found->second);
  texts.push_back(file.path.stem().string());
  texts.push_back(file.path.parent_path().filename().string());
  for (std::string& text : texts) std::replace(text.begin(), text.end(), '-', '_');
  return texts;
}

void refuse_strangers(const WeightFile& file, const std::vector<std::string>& texts) {
  for (const auto& [part, otherwise] : file.convention.strangers)
    for (const std::string& text : texts)
      TESSERA_CHECK(text.find(part) == std::string::npos,
                    "{}: '{}' names a model that {}, which no model of tessera does (if it is another, rename it)",
                    file.path.string(), text, otherwise);
}

// The registered model that a text names: the longest name in it.
std::string named_model(const WeightFile& file, const std::string& text) {
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

// Whether the registered model has this architecture, but for the sizes of pictures and of the head.
bool agrees(const std::string& model, const Json& architecture) {
  const Json theirs = Json::parse(models::architecture_of(model));
  const auto same_value = [&](const char* key) {
    return theirs.contains(key) == architecture.contains(key) &&
           theirs.value(key, Json()) == architecture.value(key, Json());
  };
  if (!same_value("family") || !same_value("embed_dim") || !same_value("depth") || !same_value("depths")) return false;
  if (architecture["family"] != "resnet") return true;
  // A wide_resnet101_2 has resnet101's name in its own.
  const Json all = Json::parse(models::build(theirs.dump())->architecture());
  const char* const sizes[] = {"block", "layers", "width", "groups", "width_per_group"};
  return std::ranges::all_of(sizes, [&](const char* key) { return architecture.value(key, all[key]) == all[key]; });
}

// Where the file itself does not say how many heads there are: the model that it or its name mentions, if the rest is
// the same.
void take_from_name(WeightFile& file, const std::vector<std::string>& texts, Json& architecture) {
  for (const std::string& text : texts) {
    const std::string model = named_model(file, text);
    if (model.empty() || !agrees(model, architecture)) continue;
    file.name = model;
    const auto unknown = std::find(file.unknown.begin(), file.unknown.end(), "num_heads");
    if (unknown == file.unknown.end()) return;
    const Json theirs = Json::parse(models::architecture_of(model));
    if (!theirs.contains("num_heads")) return;
    architecture["num_heads"] = theirs["num_heads"];
    file.unknown.erase(unknown);
    return;
  }
  // How pictures are prepared depends on the size of torchvision's Swin.
  for (const auto& [theirs, ours] : file.convention.names)
    if (architecture.value("family", "") == "swin" && agrees(ours, architecture)) file.name = ours;
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

}  // namespace

void tell_architecture(WeightFile& file, const models::Settings& settings) {
  const Config config = read_config(file);
  const std::vector<std::string> names = names_of(file, config);
  refuse_strangers(file, names);
  file.class_names = config.classes;
  Json said = Json::object();
  said = with(said, file.convention.architecture);
  said = with(said, config.architecture);
  Json known = said;
  known = with(known, settings);
  take_heads(file, known);
  models::Shapes shapes;
  for (const Feed& feed : file.feeds) shapes[feed.parameter] = feed.shape;
  for (const auto& [name, array] : file.arrays)  // buffers: Swin's masks tell the size of pictures
    if (file.convention.rules.empty()) shapes.emplace(name, array.shape);
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
  if (!file.config.empty()) check_config(file, config, architecture, settings);
  file.unknown = inferred.unknown;
  file.assumed = inferred.assumed;
  for (const auto& [key, value] : said.items())
    if (!config.called.count(key) || !architecture.contains(key)) architecture[key] = value;
  if (const auto found = file.convention.of_family.find(architecture.value("family", ""));
      found != file.convention.of_family.end())
    architecture = with(architecture, found->second);
  take_from_name(file, names, architecture);
  file.architecture = architecture.dump();
}

}  // namespace tessera::weights
