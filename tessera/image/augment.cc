#include "tessera/image/augment.h"

#include <fmt/format.h>

#include <cmath>

#include "tessera/core/error.h"
#include "tessera/image/geometry.h"
#include "tessera/image/policy.h"
#include "tessera/image/resize.h"

namespace tessera::image {
namespace {

constexpr int kTries = 10;

void check_range(const char* name, const std::vector<double>& range) {
  TESSERA_CHECK(range.size() == 2 && range[0] <= range[1], "augmentation: {} is two numbers, least and most, not {}",
                name, fmt::join(range, ", "));
}

Picture resized_crop(const Picture& picture, const Rectangle& part, const Preprocess& input) {
  if (picture.channels != input.channels) {
    return resized_crop(with_channels(picture, input.channels), part, input);
  }
  return resize(window(picture, part), {.height = input.height,
                                        .width = input.width,
                                        .filter = filter_named(input.interpolation),
                                        .pillow = pillow_named(input.pillow)});
}

int64_t draw_offset(int64_t size, int64_t part, Random& random) {
  return static_cast<int64_t>(random.below(static_cast<uint64_t>(size - part + 1)));
}

}  // namespace

void Augmentation::visit(Options& o) {
  o.section("Augmentation");
  o("random_resized_crop", random_resized_crop, "train on random parts of pictures, resized");
  o("crop_area", crop_area, "least and most of the area such a part has").above(0).at_most(1);
  o("crop_ratio", crop_ratio, "least and most width / height of such a part").above(0);
  o("crop_padding", crop_padding, "pixels by which a picture is moved at random").at_least(0);
  o("padding", padding, "what comes in at the edges then").one_of({"zero", "reflect"});
  o("flip", flip, "probability of a mirror image").at_least(0).at_most(1);
  o("policy", policy,
    "ra, ra-n2-m9, ta_wide, imagenet, cifar10, svhn (torchvision), rand-m9-mstd0.5-inc1, original, v0, 3a (timm)")
      .placeholder("NAME");
  o("jitter_brightness", jitter.brightness, "strength of random changes of brightness").at_least(0);
  o("jitter_contrast", jitter.contrast, "likewise of contrast").at_least(0);
  o("jitter_saturation", jitter.saturation, "likewise of saturation").at_least(0);
  o("jitter_hue", jitter.hue, "likewise of hue").at_least(0).at_most(0.5);
  erasing.visit(o);
}

void check(const Augmentation& how) {
  Augmentation copy = how;
  Options options;
  copy.visit(options);
  options.check_values("augmentation");
  check_range("crop_area", how.crop_area);
  check_range("crop_ratio", how.crop_ratio);
  check_range("erasing_area", how.erasing.area);
  policy_named(how.policy);
}

Rectangle draw_resized_crop(const Augmentation& how, int64_t height, int64_t width, Random& random) {
  const double area = static_cast<double>(height * width);
  const double log_min = std::log(how.crop_ratio[0]), log_max = std::log(how.crop_ratio[1]);
  for (int i = 0; i < kTries; ++i) {
    const double part_area = area * random.uniform(how.crop_area[0], how.crop_area[1]);
    const double ratio = std::exp(random.uniform(log_min, log_max));
    const int64_t w = std::llrint(std::sqrt(part_area * ratio));
    const int64_t h = std::llrint(std::sqrt(part_area / ratio));
    if (w <= 0 || h <= 0 || w > width || h > height) continue;
    const int64_t top = draw_offset(height, h, random);
    return {top, draw_offset(width, w, random), h, w};
  }
  const double ratio = static_cast<double>(width) / static_cast<double>(height);
  int64_t w = width, h = height;
  if (ratio < how.crop_ratio[0]) h = std::llrint(static_cast<double>(w) / how.crop_ratio[0]);
  if (ratio > how.crop_ratio[1]) w = std::llrint(static_cast<double>(h) * how.crop_ratio[1]);
  return {(height - h) / 2, (width - w) / 2, h, w};
}

Rectangle draw_padded_crop(int64_t height, int64_t width, int64_t padding, Random& random) {
  const auto offset = [&] {
    return static_cast<int64_t>(random.below(static_cast<uint64_t>(2 * padding + 1))) - padding;
  };
  const int64_t top = offset();
  return {top, offset(), height, width};
}

Need need_of(const Augmentation& how, const Preprocess& input, const Random& random) {
  if (!how.random_resized_crop) return need_of(input);
  return [&how, random](int64_t height, int64_t width) {
    Random draws = random;
    return draw_resized_crop(how, height, width, draws);
  };
}

Picture augment(const Picture& picture, const Augmentation& how, const Preprocess& input, Random random) {
  Picture out = how.random_resized_crop
                    ? resized_crop(picture, draw_resized_crop(how, picture.height, picture.width, random), input)
                    : fit(picture, input);  // (height, width, channels)
  if (how.crop_padding > 0) {
    const Border border = how.padding == "reflect" ? Border::reflect : Border::constant;
    out = window(out, draw_padded_crop(out.height, out.width, how.crop_padding, random), border);
  }
  if (how.flip > 0 && random.coin(how.flip)) out = flip_left_right(out);
  const Policy policy = policy_named(how.policy);
  const Colour fill = policy.is_timm() ? mean_colour(input) : Colour{};
  for (const PolicyStep& step : draw_policy(policy, out.height, out.width, random)) apply(out, step, fill);
  apply(out, draw_jitter(how.jitter, random));
  return out;
}

}  // namespace tessera::image
