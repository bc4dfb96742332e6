#include <nlohmann/json.hpp>

#include "tessera/image/preprocess_config.h"

namespace tessera::image {

std::optional<std::string> hugging_face_config(const Preprocess& how) {
  constexpr std::array<const char*, 6> kByNumber = {"nearest", "lanczos", "bilinear", "bicubic", "box", "hamming"};
  const auto filter = std::find(kByNumber.begin(), kByNumber.end(), how.interpolation);
  const bool squash = how.crop_mode == "squash";
  if (filter == kByNumber.end() || how.channels != 3 || (!squash && how.crop_mode != "center")) return std::nullopt;
  const auto side = [&](int64_t given, int64_t input) {
    return given ? given : static_cast<int64_t>(static_cast<double>(input) / how.crop_pct);
  };
  const int64_t height = side(how.resize_height, how.height), width = side(how.resize_width, how.width);
  const bool crops = height != how.height || width != how.width || !squash;
  if (!squash && height != width) return std::nullopt;  // of the shorter side there is one
  nlohmann::ordered_json json = {
      {"image_processor_type", squash ? crops ? "DeiTImageProcessor" : "ViTImageProcessor" : "BitImageProcessor"},
      {"do_resize", true}};
  if (squash) {
    json["size"] = {{"height", height}, {"width", width}};
  } else {
    json["size"] = {{"shortest_edge", height}};
  }
  json["resample"] = filter - kByNumber.begin();
  if (crops) {
    json["do_center_crop"] = true;
    json["crop_size"] = {{"height", how.height}, {"width", how.width}};
  }
  json["do_rescale"] = true;
  json["rescale_factor"] = 1.0 / 255;
  json["do_normalize"] = true;
  json["image_mean"] = how.mean;
  json["image_std"] = how.std;
  return json.dump(2) + "\n";
}

}  // namespace tessera::image
