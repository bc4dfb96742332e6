#include "tessera/weights/model_file.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

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

bool can_be_mapped(const formats::Array& array) {
  return array.type == formats::FileType::F32 && array.mapped &&
         reinterpret_cast<uintptr_t>(array.bytes.data()) % alignof(float) == 0;
}

Tensor mapped(const formats::Array& array, const Shape& shape) {
  return Tensor::mapped(shape, DType::f32, {array.owner, array.bytes.data()});
}

Tensor quantised(const formats::Array& array, const formats::Array& scales, const Shape& shape,
                 const std::string& where, const std::string& name) {
  TESSERA_CHECK(scales.shape == Shape{shape[0]}, "{}: the tensor '{}' must be ({}), but it is {}", where,
                scale_name(name), shape[0], to_string(scales.shape));
  const Tensor elements = Tensor::empty(shape, DType::s8), row_scales = Tensor::empty({shape[0]});
  std::copy(array.bytes.begin(), array.bytes.end(), elements.raw());
  formats::copy_to_f32(scales, row_scales.span());
  return Tensor::quantised(elements, row_scales);
}

Shape without_ones(const Shape& shape) {
  std::vector<int64_t> extents;
  for (int64_t extent : shape.extents())
    if (extent != 1) extents.push_back(extent);
  return Shape(extents);
}

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
  const std::vector<nn::Parameter> parameters = model.parameters();
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

void load_weights(models::Model& model, const formats::NamedArrays& arrays, const std::string& where, Purpose purpose) {
  std::set<std::string> used, quantisable;
  for (const models::Product& product : model.products()) quantisable.insert(product.weight);
  for (const nn::Parameter& parameter : model.parameters()) {
    const formats::Array* array = formats::find(arrays, parameter.name);
    TESSERA_CHECK(array, "{}: the model needs the tensor '{}' {}, which the file does not have", where, parameter.name,
                  to_string(parameter.tensor->shape()));
    TESSERA_CHECK(without_ones(array->shape) == without_ones(parameter.tensor->shape()),
                  "{}: the tensor '{}' is {}, but the model needs {}", where, parameter.name, to_string(array->shape),
                  to_string(parameter.tensor->shape()));
    const formats::Array* scales = formats::find(arrays, scale_name(parameter.name));
    if (array->type == formats::FileType::I8 && scales) {
      TESSERA_CHECK(quantisable.count(parameter.name), "{}: the tensor '{}' is quantised, which this model cannot use",
                    where, parameter.name);
      *parameter.tensor = quantised(*array, *scales, parameter.tensor->shape(), where, parameter.name);
      used.insert(scale_name(parameter.name));
    } else if (purpose == Purpose::use && can_be_mapped(*array)) {
      *parameter.tensor = mapped(*array, parameter.tensor->shape());
    } else {
      formats::copy_to_f32(*array, parameter.tensor->span());
    }
    used.insert(parameter.name);
  }
  for (const auto& [name, array] : arrays) {
    TESSERA_CHECK(used.count(name), "{}: the file holds the tensor {} {}, for which the model has no place", where,
                  formats::in_quotes(name), to_string(array.shape));
  }
}

LoadedModel load_model(const std::filesystem::path& path, const std::string& architecture, Purpose purpose) {
  const formats::SafeTensors file = formats::read_safetensors(path);
  TESSERA_CHECK(
      file.metadata.count("tessera.run") == 0,
      "{}: a checkpoint, the state of a training run; use the model.safetensors or best.safetensors beside it",
      path.string());
  LoadedModel loaded;
  loaded.info = info_from(file.metadata, path);
  const bool bare = loaded.info.architecture.empty();
  TESSERA_CHECK(!bare || !architecture.empty(),
                "{}: these are bare weights; say what they belong to with --architecture FILE or --model NAME",
                path.string());
  loaded.model = bare ? models::build(architecture) : build_stored(loaded.info.architecture, path);
  loaded.info.architecture = loaded.model->architecture();
  if (!bare && !architecture.empty()) check_same_architecture(*loaded.model, architecture, path);
  load_weights(*loaded.model, file.arrays, path.string(), purpose);
  return loaded;
}

ModelInfo read_model_info(const std::filesystem::path& path) {
  return info_from(formats::read_safetensors_header(path).metadata, path);
}

}  // namespace tessera::weights
