#include "tessera/image/preprocess.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "tessera/core/error.h"
#include "tessera/image/geometry.h"
#include "tessera/image/resize.h"

namespace tessera::image {
namespace {

struct Size {
  int64_t height, width;
};

Size resize_target(const Preprocess& how) {
  const auto side = [&](int64_t given, int64_t input) {
    return given ? given : static_cast<int64_t>(std::floor(static_cast<double>(input) / how.crop_pct));
  };
  return {side(how.resize_height, how.height), side(how.resize_width, how.width)};
}

Size resized_size(int64_t h, int64_t w, const Preprocess& how) {
  const Size target = resize_target(how);
  if (how.crop_mode == "squash") return target;
  if (how.crop_mode == "center" && target.height == target.width) {
    const int64_t s = target.height;
    return w <= h ? Size{s * h / w, s} : Size{s, s * w / h};
  }
  const double ratio_h = static_cast<double>(h) / static_cast<double>(target.height);
  const double ratio_w = static_cast<double>(w) / static_cast<double>(target.width);
  const double ratio = how.crop_mode == "center" ? std::min(ratio_h, ratio_w) : std::max(ratio_h, ratio_w);
  // Rounded half to even.
  const auto scaled = [&](int64_t side) {
    return std::max<int64_t>(1, std::llrint(static_cast<double>(side) / ratio));
  };
  return {scaled(h), scaled(w)};
}

// How a picture becomes the input: the part of the resized picture that lies in the input, and the input as seen from
// there; it may reach outside.
struct Plan {
  Resize resize;
  Rectangle input;
};

Plan plan_of(int64_t height, int64_t width, const Preprocess& how) {
  const Size size = resized_size(height, width, how);
  const Rectangle input{crop_offset(size.height, how.height, how.floor_crop),
                        crop_offset(size.width, how.width, how.floor_crop), how.height, how.width};
  const int64_t top = std::max<int64_t>(input.top, 0), left = std::max<int64_t>(input.left, 0);
  const Rectangle inside{top, left, std::min(input.top + input.height, size.height) - top,
                         std::min(input.left + input.width, size.width) - left};
  return {{.height = size.height,
           .width = size.width,
           .filter = filter_named(how.interpolation),
           .pillow = pillow_named(how.pillow),
           .window = inside},
          {input.top - top, input.left - left, input.height, input.width}};
}

}  // namespace

int64_t crop_offset(int64_t size, int64_t input, bool floor) {
  if (size < input) return -((input - size + (floor ? 1 : 0)) / 2);
  const int64_t half = (size - input) / 2;
  const bool rounds_up = !floor && (size - input) % 2 == 1 && half % 2 == 1;
  return rounds_up ? half + 1 : half;
}

std::array<uint8_t, 3> mean_colour(const Preprocess& how) {
  std::array<uint8_t, 3> colour{};
  for (size_t c = 0; c < how.mean.size(); ++c) {
    colour[c] = static_cast<uint8_t>(std::clamp<int64_t>(std::llrint(255 * how.mean[c]), 0, 255));
  }
  return colour;
}

void Preprocess::visit(Options& o) {
  o.section("Preprocessing");
  o("height", height, "height of the model's input").at_least(1);
  o("width", width, "width of the model's input").at_least(1);
  o("channels", channels, "1 (gray) or 3 (RGB)").at_least(1).at_most(3);
  o("crop_mode", crop_mode, "shorter side to size, both sides, or longer side and a border")
      .one_of({"center", "squash", "border"});
  o("crop_pct", crop_pct, "input size / resized size").above(0);
  o("resize_height", resize_height, "resized height, in place of input / crop_pct").at_least(0);
  o("resize_width", resize_width, "resized width, in place of input / crop_pct").at_least(0);
  o("interpolation", interpolation, "filter of the resize")
      .one_of({"nearest", "box", "bilinear", "hamming", "bicubic", "lanczos"});
  o("pillow", pillow, "Pillow version whose resize is matched").one_of({"13", "9.4"});
  o("floor_crop", floor_crop, "round the crop's offset down, as Hugging Face does");
  o("mean", mean, "subtracted from each channel of [0, 1]");
  o("std", std, "divides each channel after that").above(0);
}

void check(const Preprocess& how) {
  Preprocess copy = how;
  Options options;
  copy.visit(options);
  options.check_values("preprocessing");
  TESSERA_CHECK(how.channels != 2, "preprocessing: channels must be 1 or 3, not 2");
  TESSERA_CHECK(static_cast<int64_t>(how.mean.size()) == how.channels && how.std.size() == how.mean.size(),
                "preprocessing: {} channels need as many means and standard deviations, not {} and {}", how.channels,
                how.mean.size(), how.std.size());
  const Size target = resize_target(how);
  TESSERA_CHECK(target.height > 0 && target.width > 0,
                "preprocessing: crop_pct {} makes the resized picture {} x {} pixels", how.crop_pct, target.width,
                target.height);
}

Need need_of(const Preprocess& how) {
  return
      [&how](int64_t height, int64_t width) { return resize_reads(height, width, plan_of(height, width, how).resize); };
}

Picture fit(const Picture& picture, const Preprocess& how) {
  TESSERA_CHECK(picture.height > 0 && picture.width > 0, "preprocessing: the picture is empty");
  if (picture.channels != how.channels) return fit(with_channels(picture, how.channels), how);
  const Plan plan = plan_of(picture.height, picture.width, how);
  Picture crop = resize(picture, plan.resize);
  if (plan.input == Rectangle{0, 0, crop.height, crop.width}) return crop;
  return window(crop, plan.input, Border::constant,
                how.crop_mode == "border" ? mean_colour(how) : std::array<uint8_t, 3>{});
}

void normalise(const Picture& picture, const Preprocess& how, Layout layout, float* out) {
  const int64_t channels = picture.channels, pixels = picture.height * picture.width;
  TESSERA_CHECK(channels == static_cast<int64_t>(how.mean.size()) && how.std.size() == how.mean.size(),
                "normalise: the picture has {} channels, but there are {} means and {} standard deviations", channels,
                how.mean.size(), how.std.size());
  const int64_t pixel_step = layout == Layout::nhwc ? channels : 1;
  const int64_t channel_step = layout == Layout::nhwc ? 1 : pixels;
  for (int64_t c = 0; c < channels; ++c) {
    const auto mean = static_cast<float>(how.mean[static_cast<size_t>(c)]);
    const auto std = static_cast<float>(how.std[static_cast<size_t>(c)]);
    std::array<float, 256> value;
    for (size_t v = 0; v < 256; ++v) value[v] = (static_cast<float>(v) / 255.0f - mean) / std;
    const uint8_t* from = picture.pixels.data() + c;
    float* to = out + c * channel_step;
    for (int64_t i = 0; i < pixels; ++i) to[i * pixel_step] = value[from[i * channels]];
  }
}

}  // namespace tessera::image
