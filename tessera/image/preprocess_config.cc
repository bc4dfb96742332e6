#include "tessera/image/preprocess_config.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>

#include "tessera/core/error.h"

namespace tessera::image {
namespace {

using Json = nlohmann::json;

const std::vector<double> kHalf = {0.5, 0.5, 0.5};
const std::vector<double> kImageNetMean = {0.485, 0.456, 0.406}, kImageNetStd = {0.229, 0.224, 0.225};
const std::vector<double> kClipMean = {0.48145466, 0.4578275, 0.40821073};
const std::vector<double> kClipStd = {0.26862954, 0.26130258, 0.27577711};

// A JSON object whose entries have the type that is asked for, or are null or missing.
class Entries {
 public:
  Entries(const Json& object, const std::string& where) : object_(object), where_(where) {}

  bool has(const char* key) const { return object_.contains(key) && !object_.at(key).is_null(); }
  const Json& at(const char* key) const { return object_.at(key); }
  template <class T>
  T get(const char* key, T fallback) const {
    if (!has(key)) return fallback;
    try {
      return object_.at(key).get<T>();
    } catch (const Json::exception&) {
      wrong(key);
    }
  }
  // A whole number of pixels inside `value`, which is what `key` holds or a part of it.
  int64_t pixels(const char* key, const Json& value) const {
    if (!value.is_number_integer() || value.get<int64_t>() < 1) wrong(key);
    return value.get<int64_t>();
  }
  [[noreturn]] void wrong(const char* key) const { fail("{}: '{}' cannot be {}", where_, key, object_.at(key).dump()); }
  const std::string& where() const { return where_; }

 private:
  const Json& object_;
  const std::string& where_;
};

// --- Hugging Face ---

// Pillow's numbers of its filters.
const char* filter_of(const Entries& config, int64_t fallback) {
  constexpr std::array<const char*, 6> kNames = {"nearest", "lanczos", "bilinear", "bicubic", "box", "hamming"};
  const auto number = config.get<int64_t>("resample", fallback);
  if (number < 0 || number >= std::ssize(kNames)) config.wrong("resample");
  return kNames[static_cast<size_t>(number)];
}

// What a processor does where its file is silent (transformers 5).
struct Processor {
  const char* name;    // "ViT" of "ViTImageProcessor" and "ViTFeatureExtractor"
  int64_t resample;    // 2: bilinear, 3: bicubic
  int64_t size, crop;  // 0: no crop
  bool shorter_side;   // `size` is the shorter side's, not both sides'
  const std::vector<double>&mean, &std;
};

const Processor& processor_named(const std::string& name) {
  static const std::array<Processor, 8> kProcessors = {{
      {"ViT", 2, 224, 0, false, kHalf, kHalf},
      {"DeiT", 3, 256, 224, false, kHalf, kHalf},
      {"Beit", 3, 224, 0, false, kHalf, kHalf},
      {"CLIP", 3, 224, 224, true, kClipMean, kClipStd},
      {"Bit", 3, 224, 224, true, kClipMean, kClipStd},
      {"ConvNext", 3, 384, 0, true, kHalf, kHalf},
      {"Levit", 3, 224, 224, true, kImageNetMean, kImageNetStd},
      {"", 2, 224, 0, false, kHalf, kHalf},
  }};
  return *std::find_if(kProcessors.begin(), kProcessors.end(),
                       [&](const Processor& processor) { return name.starts_with(processor.name); });
}

struct Size {
  int64_t height = 0, width = 0;
  bool shorter_side = false;
};

// 224, [224, 224], {"height": 224, "width": 224} or {"shortest_edge": 224}. `number_is_shorter_side`: what one number
// stands for.
Size read_size(const Entries& config, const char* key, bool number_is_shorter_side) {
  const Json& value = config.at(key);
  if (value.is_object() && value.contains("height") && value.contains("width"))
    return {config.pixels(key, value["height"]), config.pixels(key, value["width"]), false};
  if (value.is_object() && value.contains("shortest_edge")) {
    const int64_t side = config.pixels(key, value["shortest_edge"]);
    return {side, side, true};
  }
  if (value.is_array() && value.size() == 2) return {config.pixels(key, value[0]), config.pixels(key, value[1]), false};
  const int64_t side = config.pixels(key, value);
  return {side, side, number_is_shorter_side};
}

// With a crop_pct the shorter side becomes size / crop_pct. ConvNeXt's `size` is the input's too, and from 384 on both
// sides become size. LeViT enlarges by 256 / 224.
void resize_by_kind(const Entries& config, const std::string& kind, const Size& size, Preprocess& how) {
  how.resize_height = size.height;
  how.resize_width = size.width;
  how.crop_mode = size.shorter_side ? "center" : "squash";
  if (!size.shorter_side) return;
  double enlarge = 1;
  if (kind == "ConvNext" && size.height >= 384) {
    how.crop_mode = "squash";
  } else if (kind == "ConvNext" || config.has("crop_pct")) {
    enlarge = 1 / config.get<double>("crop_pct", 0.875);
  } else if (kind == "Levit") {
    enlarge = 256.0 / 224.0;
  }
  how.resize_height = how.resize_width = static_cast<int64_t>(static_cast<double>(size.height) * enlarge);
}

void normalise_by(const Entries& config, const Processor& usual, Preprocess& how) {
  how.mean = config.get<std::vector<double>>("image_mean", usual.mean);
  how.std = config.get<std::vector<double>>("image_std", usual.std);
  if (!config.get<bool>("do_normalize", true)) {
    how.mean.assign(how.mean.size(), 0);
    how.std.assign(how.std.size(), 1);
  }
  // Ours is pixel / 255, theirs pixel · factor.
  const double factor = config.get<bool>("do_rescale", true) ? config.get<double>("rescale_factor", 1.0 / 255.0) : 1.0;
  if (std::abs(factor * 255.0 - 1.0) < 1e-6) return;
  for (double& mean : how.mean) mean /= factor * 255.0;
  for (double& std : how.std) std /= factor * 255.0;
}

Preprocess hugging_face(const Entries& config) {
  std::string kind =
      config.get<std::string>("image_processor_type", config.get<std::string>("feature_extractor_type", ""));
  const Processor& usual = processor_named(kind);
  kind = usual.name;
  for (const char* step : {"do_flip_channel_order", "do_pad", "do_thumbnail", "include_top", "rescale_offset"}) {
    TESSERA_CHECK(!config.get<bool>(step, false), "{}: pictures cannot be prepared with '{}'", config.where(), step);
  }
  Preprocess how;
  how.interpolation = filter_of(config, usual.resample);
  how.floor_crop = true;
  Size size{usual.size, usual.size, usual.shorter_side};
  if (config.has("size")) size = read_size(config, "size", usual.shorter_side);
  const bool crops = config.get<bool>("do_center_crop", usual.crop > 0);
  Size crop{usual.crop, usual.crop};
  if (config.has("crop_size")) crop = read_size(config, "crop_size", false);
  const bool resizes = config.get<bool>("do_resize", true);
  TESSERA_CHECK(resizes, "{}: pictures cannot be prepared without a resize ('do_resize' is false)", config.where());
  how.height = size.height;
  how.width = size.width;
  resize_by_kind(config, kind, size, how);
  if (crops && crop.height > 0) {
    how.height = crop.height;
    how.width = crop.width;
  }
  normalise_by(config, usual, how);
  how.channels = std::ssize(how.mean);
  return how;
}

// --- timm ---

Preprocess timm(const Entries& config) {
  Preprocess how;  // its defaults are timm's
  if (config.has("input_size")) {
    const Json& size = config.at("input_size");  // (C, H, W)
    if (!size.is_array() || size.size() != 3) config.wrong("input_size");
    how.channels = config.pixels("input_size", size[0]);
    how.height = config.pixels("input_size", size[1]);
    how.width = config.pixels("input_size", size[2]);
  }
  how.interpolation = config.get<std::string>("interpolation", how.interpolation);
  how.crop_pct = config.get<double>("crop_pct", how.crop_pct);
  how.crop_mode = config.get<std::string>("crop_mode", how.crop_mode);
  how.mean = config.get<std::vector<double>>("mean", how.mean);
  how.std = config.get<std::vector<double>>("std", how.std);
  // timm averages or repeats a mean that has another number of channels.
  for (std::vector<double>* values : {&how.mean, &how.std}) {
    if (std::ssize(*values) == how.channels || values->empty()) continue;
    double sum = 0;
    for (const double value : *values) sum += value;
    values->assign(static_cast<size_t>(how.channels), sum / static_cast<double>(values->size()));
  }
  return how;
}

// --- torchvision ---

// Whether the file has weights that were trained a second time: the shorter side is resized to less.
bool torchvision_second(std::string_view file) {
  constexpr std::string_view kFiles[] = {
      "resnet50-11ad3fa6",         "resnet101-cd907fc2",        "resnet152-f82ba261",       "resnext50_32x4d-1a0047aa",
      "resnext101_32x8d-110c445d", "resnext101_64x4d-173b62eb", "wide_resnet50_2-9ba9bcbe", "wide_resnet101_2-d733dc28",
      "mobilenet_v2-7ebf99e0",     "efficientnet_b1-c27df63c"};
  return std::find(std::begin(kFiles), std::end(kFiles), file) != std::end(kFiles);
}

// To what its convolutional networks resize the shorter side before they cut out `side`: EfficientNets each to its own.
int64_t torchvision_shorter_side(bool efficientnet, bool second, int64_t side) {
  if (efficientnet) {
    constexpr std::pair<int64_t, int64_t> kSides[] = {{224, 256}, {240, 256}, {288, 288}, {300, 320},
                                                      {380, 384}, {456, 456}, {528, 528}, {600, 600}};
    if (second) return (side * 255 + 120) / 240;
    for (const auto& [input, resized] : kSides)
      if (side == input) return resized;
  }
  return (side * (second ? 232 : 256) + 112) / 224;
}

}  // namespace

std::optional<Preprocess> preprocess_from(std::string_view json, const std::string& where) {
  const Json config = Json::parse(json, nullptr, /*allow_exceptions=*/false);
  TESSERA_CHECK(config.is_object(), "{}: not a JSON object", where);
  const Entries entries(config, where);
  std::optional<Preprocess> how;
  if (entries.has("pretrained_cfg")) {
    TESSERA_CHECK(config["pretrained_cfg"].is_object(), "{}: 'pretrained_cfg' is no object", where);
    how = timm(Entries(config["pretrained_cfg"], where));
  } else if (entries.has("image_processor_type") || entries.has("feature_extractor_type") ||
             entries.has("image_mean") || entries.has("do_resize")) {
    how = hugging_face(entries);
  } else if (entries.has("input_size") && entries.has("mean")) {
    how = timm(entries);
  }
  if (!how) return std::nullopt;
  try {
    check(*how);
  } catch (const Error& error) {
    fail("{}: {}", where, error.what());
  }
  return how;
}

Preprocess usual_preprocess(std::string_view library, std::string_view model, int64_t height, int64_t width,
                            int64_t channels) {
  Preprocess how;
  how.height = height;
  how.width = width;
  how.channels = channels;
  const bool is_large = std::min(height, width) >= 384;  // fine-tuned at it: nothing is cut off
  const auto normalise = [&](const std::vector<double>& mean, const std::vector<double>& std) {
    how.mean = mean;
    how.std = std;
  };
  if (library == "timm" && (model.starts_with("vit") || model.starts_with("deit") || model.starts_with("swin"))) {
    how.crop_pct = is_large ? 1.0 : 0.9;
    if (model.starts_with("vit")) normalise(kHalf, kHalf);
  } else if (library == "timm" && model.starts_with("convmixer")) {
    how.crop_pct = 0.96;
  } else if (library == "timm-vgg") {
    how.interpolation = "bilinear";
  } else if (library == "compact") {
    how.crop_pct = std::min(height, width) <= 32 ? 1.0 : 0.9;
    if (how.crop_pct == 1.0) normalise({0.4914, 0.4822, 0.4465}, {0.2470, 0.2435, 0.2616});  // CIFAR-10's
  } else if (library == "torchvision") {
    how.crop_pct = is_large ? 1.0 : 0.875;
    how.interpolation = is_large ? "bicubic" : "bilinear";
  } else if (library == "torchvision-swin") {  // each was found best with one size before the cut to 224
    const int64_t resized = model.find("small") != model.npos ? 246 : model.find("base") != model.npos ? 238 : 232;
    how.resize_height = (height * resized + 112) / 224;
    how.resize_width = (width * resized + 112) / 224;
  } else if (library.starts_with("torchvision-")) {
    const bool efficientnet = library == "torchvision-efficientnet", second = torchvision_second(model);
    const int64_t side = std::min(height, width), shorter = torchvision_shorter_side(efficientnet, second, side);
    how.resize_height = (height * shorter + side / 2) / side;
    how.resize_width = (width * shorter + side / 2) / side;
    how.interpolation = efficientnet && !second ? "bicubic" : "bilinear";
  } else if (library == "hf-swin") {  // as microsoft/swin-*-patch4-*
    how.crop_mode = "squash";
    how.crop_pct = 1;
    how.floor_crop = true;
  } else if (library == "hf-resnet") {
    how.floor_crop = true;
  } else if (library == "hf" && model.starts_with("deit")) {
    how.crop_mode = "squash";
    how.crop_pct = 0.875;
    how.floor_crop = true;
  } else if (library == "hf" || library == "jax") {
    how.crop_mode = "squash";
    how.crop_pct = 1;
    how.interpolation = "bilinear";
    how.floor_crop = library == "hf";
    normalise(kHalf, kHalf);
  }
  if (channels == 1) how.mean = how.std = {0.5};
  return how;
}

}  // namespace tessera::image
