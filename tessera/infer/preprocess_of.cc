#include "tessera/infer/preprocess_of.h"

#include <fmt/ranges.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "tessera/core/error.h"
#include "tessera/core/file.h"
#include "tessera/image/preprocess_config.h"

namespace tessera::infer {
namespace {

namespace fs = std::filesystem;

// The same way of preparing for an input of another size: what is cut off keeps its share.
image::Preprocess at_size(image::Preprocess how, const models::PictureSize& input) {
  const auto scaled = [](int64_t side, int64_t from, int64_t to) {
    return std::llround(static_cast<double>(side) * static_cast<double>(to) / static_cast<double>(from));
  };
  how.resize_height = scaled(how.resize_height, how.height, input.height);
  how.resize_width = scaled(how.resize_width, how.width, input.width);
  how.height = input.height;
  how.width = input.width;
  return how;
}

// By what usual_preprocess() tells models of one origin apart. torchvision's convolutional networks: by the file, since
// some were trained twice.
std::string told_by(const weights::LoadedModel& loaded) {
  if (loaded.origin.starts_with("torchvision-") && loaded.origin != "torchvision-swin")
    return loaded.file.stem().string();
  if (!loaded.name.empty()) return loaded.name;
  return nlohmann::json::parse(loaded.model->architecture()).value("family", "vit");
}

std::optional<image::Preprocess> beside(const fs::path& file) {
  for (const char* name : {"preprocessor_config.json", "config.json"}) {
    const fs::path path = file.parent_path() / name;
    std::error_code unreadable;
    if (!fs::is_regular_file(path, unreadable)) continue;
    if (auto how = image::preprocess_from(read_text(path), path.string())) return how;
  }
  return std::nullopt;
}

}  // namespace

void require_pictures(const models::PictureSize& input) {
  TESSERA_CHECK(input.any(),
                "this model reads sentences, not pictures: infer::SentenceClassifier uses it (docs/text.md)");
}

image::Preprocess preprocess_of(const weights::LoadedModel& loaded) {
  const models::PictureSize input = loaded.model->input();
  require_pictures(input);
  if (!loaded.info.preprocess.empty()) return at_size(stored_preprocess(loaded.info.preprocess), input);
  if (loaded.origin == "tessera") return default_preprocess(*loaded.model);
  if (const auto how = beside(loaded.file); how && how->channels == input.channels) return at_size(*how, input);
  return image::usual_preprocess(loaded.origin, told_by(loaded), input.height, input.width, input.channels);
}

image::Preprocess default_preprocess(const models::Model& model) {
  const models::PictureSize input = model.input();
  require_pictures(input);
  image::Preprocess how;
  how.height = input.height;
  how.width = input.width;
  how.channels = input.channels;
  if (input.channels == 1) how.mean = how.std = {0.5};
  if (const auto own = model.normalisation()) how.mean = own->mean, how.std = own->std;
  return how;
}

void check_suits(const image::Preprocess& how, const models::Model& model) {
  const auto [height, width, channels] = model.input();
  TESSERA_CHECK(how.height == height && how.width == width && how.channels == channels,
                "the preprocessing makes pictures of {}x{}x{}, but the model takes {}x{}x{}", how.height, how.width,
                how.channels, height, width, channels);
  const auto own = model.normalisation();
  TESSERA_CHECK(
      !own || (how.mean == own->mean && how.std == own->std),
      "this model computes with the colours themselves: its preprocessing must have mean {} and std {}, not {} "
      "and {}",
      fmt::join(own->mean, ","), fmt::join(own->std, ","), fmt::join(how.mean, ","), fmt::join(how.std, ","));
}

std::string to_json(image::Preprocess how) {
  Options options;
  how.visit(options);
  return options.to_json();
}

image::Preprocess stored_preprocess(const std::string& json) {
  image::Preprocess how;
  Options options;
  how.visit(options);
  try {
    options.from_json(json, "its preprocessing");
  } catch (const UsageError& error) {
    throw Error(error.what());  // of a file, not of what the user typed
  }
  image::check(how);
  return how;
}

}  // namespace tessera::infer
