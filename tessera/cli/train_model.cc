#include "tessera/cli/train_model.h"

#include <algorithm>
#include <filesystem>

#include "tessera/cli/evaluate.h"
#include "tessera/core/error.h"
#include "tessera/core/text.h"
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

// Where no file says: pictures of one size are seen whole.
image::Preprocess assumed_preprocess(const models::Model& model, const data::DataSet& set) {
  image::Preprocess how = infer::default_preprocess(model);
  if (typical_shape(set).height > 0) how.crop_pct = 1;
  return how;
}

StartingPoint from_file(const SourceChoice& source, const std::string& from, const data::DataSet& set, uint64_t seed) {
  weights::LoadOptions options = source.load_options();
  options.set.emplace_back("num_classes", std::to_string(set.class_names().size()));
  options.fill.fresh_head = true;
  options.fill.seed = seed;
  weights::LoadedModel loaded = weights::load_model(from, options);
  TESSERA_CHECK(loaded.info.quantization.empty(),
                "{}: its weights are quantised and cannot be trained; start from the model that it was made of", from);
  StartingPoint start;
  start.name = source.choice.given() ? source.choice.name() : std::filesystem::path(from).stem().string();
  start.remarks = remarks(loaded.account);
  start.preprocess = infer::preprocess_of(loaded);
  const std::vector<std::string> head = loaded.model->head_parameters();
  const auto is_head = [&](const std::string& name) { return std::count(head.begin(), head.end(), name) > 0; };
  const bool has_started = std::any_of(loaded.account.fresh.begin(), loaded.account.fresh.end(),
                                       [&](const weights::Fate& fate) { return is_head(fate.parameter); });
  if (loaded.info.class_names != set.class_names() && !has_started) {  // as many classes, but others
    for (const nn::Parameter& parameter : loaded.model->parameters())
      if (is_head(parameter.name)) parameter.start(seed);
    start.remarks.push_back(fmt::format("starts anew, for other classes: {}", list_some(head)));
  }
  start.model = std::move(loaded.model);
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

StartingPoint starting_point(const SourceChoice& source, const std::string& from,
                             const std::vector<std::string>& preprocess, const data::DataSet& set, uint64_t seed) {
  StartingPoint start = from.empty() ? anew(source.choice, set, seed) : from_file(source, from, set, seed);
  start.preprocess = changed(start.preprocess, preprocess);
  infer::check_suits(start.preprocess, *start.model);
  return start;
}

std::unique_ptr<train::Teacher> teacher_from(const std::string& file, const data::DataSet& set, const std::string& data,
                                             std::vector<std::string>& notes) {
  weights::LoadOptions options;
  options.fill.purpose = weights::Purpose::use;
  weights::LoadedModel loaded = weights::load_model(file, options);
  for (const std::string& remark : remarks(loaded.account)) notes.push_back("teacher: " + remark);
  TESSERA_CHECK(loaded.model->input().any(), "{}: the teacher reads sentences, not pictures", file);
  check_classes(loaded.model->num_classes(), loaded.info.class_names, file, set, data);
  const image::Preprocess how = infer::preprocess_of(loaded);
  return std::make_unique<train::Teacher>(std::move(loaded.model), how);
}

}  // namespace tessera::cli
