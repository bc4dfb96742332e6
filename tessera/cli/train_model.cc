#include "tessera/cli/train_model.h"

#include <algorithm>
#include <filesystem>
#include <map>

#include "tessera/core/error.h"
#include "tessera/models/registry.h"

namespace tessera::cli {
namespace {

constexpr int64_t kSmall = 96;     // pixels: pictures up to here go into a model as they are
constexpr int64_t kLookedAt = 16;  // pictures, to find out whether all have one size

struct Chosen {
  std::string name, architecture;
};

// A registered model for pictures of this size, taking them as they are where they are small and all alike.
Chosen suited_to(const data::PictureShape& shape, const std::vector<std::string>& set) {
  const int64_t side = std::max(shape.height, shape.width);
  const bool small = side > 0 && side <= kSmall;
  const std::string name = !small ? "vit_tiny_patch16_224" : shape.channels == 1 ? "vit_mnist" : "vit_cifar";
  models::Settings settings;
  if (small) {
    settings.emplace_back("img_size", fmt::format("[{}, {}]", shape.height, shape.width));
    settings.emplace_back("in_chans", std::to_string(shape.channels));
    settings.emplace_back("patch_size", side > 40 ? "8" : "4");
  }
  for (const auto& pair : pairs_of(set, "--set")) settings.push_back(pair);
  return {name, models::with_settings(models::architecture_of(name), settings)};
}

std::string with_classes(const std::string& architecture, const data::DataSet& set) {
  return models::with_settings(architecture, {{"num_classes", std::to_string(set.class_names().size())}});
}

// Copies the weights of `source`, all but a head for other classes, which stays as it was initialised.
void fill(models::Model& model, models::Model& source, bool with_head, const std::string& from) {
  std::map<std::string, Tensor> weights;
  for (const nn::Parameter& parameter : source.parameters()) weights[parameter.name] = *parameter.tensor;
  const std::vector<std::string> head = model.head_parameters();
  for (const nn::Parameter& parameter : model.parameters()) {
    if (!with_head && std::count(head.begin(), head.end(), parameter.name) > 0) continue;
    const auto found = weights.find(parameter.name);
    TESSERA_CHECK(found != weights.end() && found->second.shape() == parameter.tensor->shape(),
                  "{}: it has no '{}' {}, which the model to be trained needs", from, parameter.name,
                  to_string(parameter.tensor->shape()));
    std::copy_n(found->second.data(), found->second.numel(), parameter.tensor->data());
  }
}

// Where no file says: pictures of one size are seen whole.
image::Preprocess assumed_preprocess(const models::Model& model, const data::DataSet& set) {
  image::Preprocess how = infer::default_preprocess(model.input());
  if (typical_shape(set).height > 0) how.crop_pct = 1;
  return how;
}

StartingPoint from_file(const ModelChoice& choice, const std::string& from, const data::DataSet& set, uint64_t seed) {
  weights::LoadedModel source = weights::load_model(from, choice.given() ? choice.json() : "");
  TESSERA_CHECK(source.info.quantization.empty(),
                "{}: its weights are quantised and cannot be trained; start from the model that it was made of", from);
  const std::string architecture =
      choice.given() ? choice.json()
                     : models::with_settings(source.model->architecture(), pairs_of(choice.set, "--set"));
  StartingPoint start;
  start.model = models::build(with_classes(architecture, set));
  start.model->initialise(seed);
  start.name = choice.given() ? choice.name() : std::filesystem::path(from).stem().string();
  fill(*start.model, *source.model, source.info.class_names == set.class_names(), from);
  start.preprocess = source.info.preprocess.empty()
                         ? assumed_preprocess(*start.model, set)
                         : infer::Classifier(std::move(source.model), source.info).preprocess();
  return start;
}

StartingPoint anew(const ModelChoice& choice, const data::DataSet& set, uint64_t seed) {
  const Chosen chosen =
      choice.given() ? Chosen{choice.name(), choice.json()} : suited_to(typical_shape(set), choice.set);
  StartingPoint start;
  start.model = models::build(with_classes(chosen.architecture, set));
  start.model->initialise(seed);
  start.name = chosen.name;
  start.preprocess = assumed_preprocess(*start.model, set);
  return start;
}

}  // namespace

data::PictureShape typical_shape(const data::DataSet& set) {
  data::PictureShape shape = set.picture_shape();
  if (shape.height > 0) return shape;
  const int64_t count = std::min(set.size(), kLookedAt);
  for (int64_t i = 0; i < count; ++i) {
    try {
      const image::Picture picture = set.get(i * set.size() / count).picture;
      if (shape.height == 0) shape = {picture.height, picture.width, picture.channels};
      if (picture.height != shape.height || picture.width != shape.width) return {0, 0, shape.channels};
    } catch (const Error&) {  // a corrupt picture is for the trainer to tell
    }
  }
  return shape;
}

StartingPoint starting_point(const ModelChoice& choice, const std::string& from,
                             const std::vector<std::string>& preprocess, const data::DataSet& set, uint64_t seed) {
  StartingPoint start = from.empty() ? anew(choice, set, seed) : from_file(choice, from, set, seed);
  start.preprocess = changed(start.preprocess, preprocess);
  return start;
}

}  // namespace tessera::cli
