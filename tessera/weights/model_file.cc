#include "tessera/weights/model_file.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "tessera/formats/safetensors.h"
#include "tessera/models/registry.h"

namespace tessera::weights {

using Json = nlohmann::ordered_json;

namespace {

template <class T = float>
formats::Array view(const Tensor& x) {
  return formats::view_of<T>(x.span<T>(), x.shape());
}

std::string scale_name(const std::string& weight) { return weight + "_scale"; }

std::string entry(const formats::Metadata& metadata, const std::string& key) {
  const auto found = metadata.find(key);
  return found == metadata.end() ? "" : found->second;
}

ModelInfo info_from(const formats::Metadata& metadata, const std::filesystem::path& path) {
  ModelInfo info;
  const std::string version = entry(metadata, "tessera.format");
  if (version.empty()) return info;  // bare weights
  TESSERA_CHECK(!version.empty() && version.size() < 9 && std::all_of(version.begin(), version.end(), ::isdigit),
                "{}: the format version '{}' is not a number; the file is damaged", path.string(), version);
  TESSERA_CHECK(std::stoi(version) <= kFormatVersion,
                "{}: this file has format version {}, but this tessera reads up to {}; use a newer tessera",
                path.string(), version, kFormatVersion);
  info.architecture = entry(metadata, "tessera.architecture");
  info.preprocess = entry(metadata, "tessera.preprocess");
  info.training = entry(metadata, "tessera.training");
  info.quantization = entry(metadata, "tessera.quantization");
  if (const std::string names = entry(metadata, "tessera.classes"); !names.empty()) {
    const Json list = Json::parse(names, nullptr, false);
    TESSERA_CHECK(list.is_array(), "{}: the class names are damaged", path.string());
    for (const Json& name : list) info.class_names.push_back(name.is_string() ? name.get<std::string>() : name.dump());
  }
  return info;
}

// Keys that both name must agree; a given architecture may leave out what has its default.
void check_same_architecture(models::Model& model, const std::string& given, const std::filesystem::path& path) {
  const Json ours = Json::parse(model.architecture());
  const Json asked = Json::parse(models::build(given)->architecture());
  for (const auto& [key, value] : asked.items()) {
    TESSERA_CHECK(
        ours.contains(key) && ours[key] == value,
        "{}: the file holds a model with {} {}, but the architecture given says {}; leave the architecture out",
        path.string(), key, ours.contains(key) ? ours[key].dump() : "(none)", value.dump());
  }
}

// What is wrong with an architecture out of a file is wrong with the file, not with the command line.
std::unique_ptr<models::Model> build_stored(const std::string& architecture, const std::filesystem::path& path) {
  try {
    return models::build(architecture);
  } catch (const UsageError& error) {
    fail("{}: its architecture cannot be built: {}", path.string(), error.what());
  }
}

}  // namespace

void save_model(const std::filesystem::path& path, models::Model& model, const ModelInfo& info,
                const std::vector<Tensor>* values) {
  formats::NamedArrays arrays;
  const std::vector<nn::Parameter> parameters = model.state();
  int version = 1;
  for (size_t i = 0; i < parameters.size(); ++i) {
    const auto& [name, tensor, init] = parameters[i];
    if (tensor->is_quantised()) {
      arrays.emplace_back(name, view<int8_t>(*tensor));
      arrays.emplace_back(scale_name(name), view(tensor->row_scales()));
      version = 2;
    } else {
      arrays.emplace_back(name, view(values ? (*values)[i].reshape(tensor->shape()) : *tensor));
    }
  }
  formats::Metadata metadata = {{"tessera.format", std::to_string(version)},
                                {"tessera.architecture", info.architecture}};
  if (!info.preprocess.empty()) metadata["tessera.preprocess"] = info.preprocess;
  if (!info.class_names.empty()) metadata["tessera.classes"] = Json(info.class_names).dump();
  if (!info.training.empty()) metadata["tessera.training"] = info.training;
  if (!info.quantization.empty()) metadata["tessera.quantization"] = info.quantization;
  formats::write_safetensors(path, arrays, metadata);
}

std::string complete_architecture(const WeightFile& file, const LoadOptions& options) {
  Json architecture = file.architecture.empty() ? Json::object() : Json::parse(file.architecture);
  if (!options.architecture.empty()) architecture.update(Json::parse(options.architecture));
  TESSERA_CHECK(!architecture.empty(),
                "{}: bare weights under names that no known origin uses; say what they belong to with --architecture "
                "FILE or --model NAME, or what their names mean with --names RULES.toml",
                file.path.string());
  if (!architecture.contains("family")) architecture["family"] = "vit";
  architecture = Json::parse(models::with_settings(architecture.dump(), options.set));
  for (const std::string& key : file.unknown) {
    TESSERA_CHECK(architecture.contains(key),
                  "{}: nothing in the weights tells {}: say --set {}, or name the model with --model",
                  file.path.string(), key == "num_heads" ? "how many heads the model has" : "the size of its pictures",
                  key == "num_heads" ? fmt::format("num_heads=N (of a width of {})", architecture["embed_dim"].dump())
                                     : key + "=HEIGHT,WIDTH");
  }
  return architecture.dump();
}

namespace {

// The model that the file was made for, where its sizes differ from those of `target`.
std::unique_ptr<models::Model> source_model(const WeightFile& file, const std::string& target) {
  if (file.architecture.empty()) return nullptr;
  Json source = Json::parse(target);
  source.update(Json::parse(file.architecture));
  return source == Json::parse(target) ? nullptr : build_stored(source.dump(), file.path);
}

// Sentences: what the named architecture says otherwise than its family has it in this origin. set: what is meant so.
std::vector<std::string> overruled(const WeightFile& file, const std::string& target, const models::Settings& set) {
  const Json ours = Json::parse(target);
  const auto known = file.convention.of_family.find(ours.value("family", ""));
  if (known == file.convention.of_family.end()) return {};
  std::vector<std::string> sentences;
  for (const auto& [key, theirs] : known->second) {
    const bool meant = std::ranges::any_of(set, [&, key = key](const auto& setting) { return setting.first == key; });
    if (meant || !ours.contains(key) || ours[key] == Json::parse(theirs)) continue;
    sentences.push_back(
        fmt::format("{} is {} as the named model has it, but weights of this origin go with {}: say "
                    "--set {}={} where nothing was changed",
                    key, ours[key].dump(), theirs, key, theirs));
  }
  return sentences;
}

}  // namespace

models::Settings said(const LoadOptions& options) {
  models::Settings settings;
  if (!options.architecture.empty()) {
    const Json architecture = Json::parse(options.architecture);
    for (const auto& [key, value] : architecture.items()) settings.emplace_back(key, value.dump());
  }
  settings.insert(settings.end(), options.set.begin(), options.set.end());
  return settings;
}

LoadedModel load_model(const std::filesystem::path& path, const LoadOptions& options) {
  return load_model(open_weights(path, options.naming, said(options)), options);
}

LoadedModel load_model(WeightFile file, const LoadOptions& options) {
  TESSERA_CHECK(
      file.metadata.count("tessera.run") == 0,
      "{}: a checkpoint, the state of a training run; use the model.safetensors or best.safetensors beside it",
      file.path.string());
  LoadedModel loaded;
  loaded.file = file.path;
  loaded.info = info_from(file.metadata, file.path);
  std::unique_ptr<models::Model> source;  // that the file was made for, where it is not the model itself
  std::vector<std::string> otherwise;     // sentences, as in Account::assumed
  if (!loaded.info.architecture.empty()) {
    loaded.origin = "tessera";
    source = build_stored(loaded.info.architecture, file.path);
    if (!options.architecture.empty()) check_same_architecture(*source, options.architecture, file.path);
    loaded.model = options.set.empty() ? std::move(source)
                                       : models::build(models::with_settings(source->architecture(), options.set));
  } else {
    loaded.origin = file.origin;
    loaded.name = file.name;
    loaded.info.class_names = file.class_names;
    const std::string target = complete_architecture(file, options);
    const bool of_the_file = options.architecture.empty() && options.set.empty();  // nothing of it is the user's
    loaded.model = of_the_file ? build_stored(target, file.path) : models::build(target);
    source = source_model(file, target);
    otherwise = overruled(file, target, options.set);
  }
  loaded.account = fill(*loaded.model, source ? *source : *loaded.model, file, options.fill);
  loaded.account.assumed.insert(loaded.account.assumed.end(), otherwise.begin(), otherwise.end());
  loaded.info.architecture = loaded.model->architecture();
  if (static_cast<int64_t>(loaded.info.class_names.size()) != loaded.model->num_classes())
    loaded.info.class_names.clear();
  return loaded;
}

ModelInfo read_model_info(const std::filesystem::path& path) {
  return info_from(formats::read_safetensors_header(path).metadata, path);
}

}  // namespace tessera::weights
