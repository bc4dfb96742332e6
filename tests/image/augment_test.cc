#include "tessera/image/augment.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "tessera/core/error.h"
#include "tessera/formats/npz.h"
#include "tessera/image/affine.h"
#include "tessera/image/blur.h"
#include "tessera/image/color.h"
#include "tessera/image/geometry.h"
#include "tessera/image/mix.h"
#include "tessera/image/tone.h"
#include "tests/image/golden.h"

namespace tessera::image {
namespace {

using test::difference;
using test::read_json;
using test::shared_path;
using Json = nlohmann::json;

Picture picture_of(const formats::Array& array) {
  const auto* begin = reinterpret_cast<const uint8_t*>(array.bytes.data());
  return {array.shape[0],
          array.shape[1],
          array.shape.rank() == 3 ? array.shape[2] : 1,
          {begin, begin + array.bytes.size()}};
}

Filter filter_of(const Json& call) {
  return call["resample"] == "NEAREST"    ? Filter::nearest
         : call["resample"] == "BILINEAR" ? Filter::bilinear
                                          : Filter::bicubic;
}

// Of gray pictures one number.
Colour fill_of(const Json& call) {
  return call["fill"].is_array() ? call["fill"].get<Colour>() : Colour{call["fill"].get<uint8_t>()};
}

// One recorded call.
Picture perform(Picture picture, const Json& call) {
  const std::string op = call["op"];
  if (op == "transpose") {
    return call["method"] == "FLIP_LEFT_RIGHT" ? flip_left_right(picture) : flip_top_bottom(picture);
  }
  if (op == "pad_constant" || op == "pad_reflect") {
    const auto [left, top, right, bottom] = call["padding"].get<std::array<int64_t, 4>>();
    const Rectangle part{-top, -left, picture.height + top + bottom, picture.width + left + right};
    return window(picture, part, op == "pad_reflect" ? Border::reflect : Border::constant);
  }
  if (op == "crop") {
    const auto [left, top, right, bottom] = call["box"].get<std::array<int64_t, 4>>();
    return window(picture, {top, left, bottom - top, right - left});
  }
  if (op == "grayscale") {
    Picture gray = with_channels(std::move(picture), 1);
    return with_channels(std::move(gray), call["channels"]);
  }
  if (op == "affine") return transformed(picture, call["matrix"], filter_of(call), fill_of(call));
  if (op == "rotate") return rotated(picture, call["degrees"], filter_of(call), fill_of(call));
  if (op == "gaussian_blur") return gaussian_blur(picture, call["radius"]);
  if (op == "autocontrast") {
    auto_contrast(picture);
  } else if (op == "equalize") {
    equalize(picture);
  } else if (op == "invert") {
    invert(picture);
  } else if (op == "posterize") {
    posterize(picture, call["bits"]);
  } else if (op == "solarize") {
    solarize(picture, call["threshold"]);
  } else if (op == "solarize_add") {
    solarize_add(picture, call["add"]);
  } else if (op == "sharpness") {
    adjust_sharpness(picture, call["factor"]);
  } else if (op == "brightness") {
    adjust_brightness(picture, call["factor"]);
  } else if (op == "contrast") {
    adjust_contrast(picture, call["factor"]);
  } else if (op == "color") {
    adjust_saturation(picture, call["factor"]);
  } else if (op == "hue") {
    adjust_hue(picture, call["factor"]);
  } else {
    ADD_FAILURE() << "unknown operation " << op;
  }
  return picture;
}

TEST(Augment, OperationsArePillowsBitForBit) {
  const auto golden = shared_path("golden/images/augment.json");
  if (!golden) GTEST_SKIP() << "no shared/golden/images";
  const Json reference = read_json(*golden);
  const formats::NamedArrays inputs = formats::read_npz(*shared_path("golden/images/augment_inputs.npz"));
  std::map<std::string, int> matched;
  for (const Json& c : reference["cases"]) {
    Picture picture = picture_of(*formats::find(inputs, c["image"].get<std::string>()));
    for (const Json& call : c["calls"]) picture = perform(std::move(picture), call);
    SCOPED_TRACE(c["image"].dump() + " " + c["python"].dump());
    EXPECT_EQ(difference(picture, c["out"]), "");
    ++matched[c["calls"].size() == 4 ? "jitter" : c["calls"][0]["op"].get<std::string>()];
  }
  const std::map<std::string, int> expected = {
      {"affine", 396},   {"autocontrast", 8},   {"brightness", 56},  {"color", 64},     {"contrast", 56},
      {"equalize", 8},   {"gaussian_blur", 28}, {"grayscale", 8},    {"hue", 16},       {"invert", 8},
      {"jitter", 4},     {"pad_constant", 4},   {"pad_reflect", 4},  {"posterize", 32}, {"rotate", 140},
      {"sharpness", 40}, {"solarize", 24},      {"solarize_add", 8}, {"transpose", 8}};
  EXPECT_EQ(matched, expected);
}

TEST(Augment, TorchvisionsBlurIsWithinALevel) {
  const auto golden = shared_path("golden/images/augment.json");
  if (!golden) GTEST_SKIP() << "no shared/golden/images";
  const Json reference = read_json(*golden);
  const formats::NamedArrays inputs = formats::read_npz(*shared_path("golden/images/augment_inputs.npz"));
  int equal = 0, matched = 0;
  for (const Json& c : reference["torchvision_gaussian_blur"]) {
    const Picture picture = gaussian_window(picture_of(*formats::find(inputs, c["image"].get<std::string>())),
                                            c["kernel_size"], c["sigma"]);
    const Json& out = c["out"];
    const Json grid = test::grid(picture);
    for (size_t i = 0; i < 8; ++i) {
      const std::string mine = grid[i], theirs = out["grid"][i];
      for (size_t at = 0; at + 1 < mine.size(); at += mine[at] == ' ' ? 1 : 2) {
        if (mine[at] == ' ') continue;
        EXPECT_NEAR(std::stoi(mine.substr(at, 2), nullptr, 16), std::stoi(theirs.substr(at, 2), nullptr, 16), 1);
      }
    }
    for (int64_t channel = 0; channel < picture.channels; ++channel) {
      double sum = 0;
      for (size_t i = static_cast<size_t>(channel); i < picture.pixels.size();
           i += static_cast<size_t>(picture.channels))
        sum += picture.pixels[i];
      EXPECT_NEAR(sum / static_cast<double>(picture.height * picture.width), out["mean"][static_cast<size_t>(channel)],
                  1e-3);
    }
    equal += difference(picture, out).empty();
    ++matched;
  }
  EXPECT_EQ(matched, 12);
  EXPECT_GE(equal, 6);
}

Picture noise(int64_t height, int64_t width) {
  Picture picture(height, width, 3);
  uint32_t state = 7;
  for (uint8_t& value : picture.pixels) value = static_cast<uint8_t>((state = state * 1664525 + 1013904223) >> 24);
  return picture;
}

Random random_at(uint64_t sample) { return Random(1, "test", 0, sample); }

TEST(Augment, ResizedCropsFollowTheSamplingRule) {
  const Augmentation how;
  double area_sum = 0, flat = 0;
  const int count = 40000;
  for (int i = 0; i < count; ++i) {
    Random random = random_at(static_cast<uint64_t>(i));
    const Rectangle part = draw_resized_crop(how, 300, 400, random);
    ASSERT_GE(part.top, 0);
    ASSERT_GE(part.left, 0);
    ASSERT_LE(part.top + part.height, 300);
    ASSERT_LE(part.left + part.width, 400);
    const double area = static_cast<double>(part.height * part.width) / (300.0 * 400.0);
    const double ratio = static_cast<double>(part.width) / static_cast<double>(part.height);
    ASSERT_GT(area, 0.079);
    ASSERT_GT(ratio, 0.74);
    ASSERT_LT(ratio, 1.35);
    area_sum += area;
    flat += ratio > 1;
  }
  // Of 300 x 400 pixels, an area a fits where the ratio is at least a / 0.75: integrated, that is
  EXPECT_NEAR(area_sum / count, 0.4319, 0.005);
  EXPECT_NEAR(flat / count, 0.5798, 0.01);
}

TEST(Augment, ResizedCropFallsBackToTheCentre) {
  Augmentation how;
  how.crop_area = {1, 1};
  Random random = random_at(0);
  EXPECT_EQ(draw_resized_crop(how, 100, 1000, random), (Rectangle{0, 433, 100, 133}));
  EXPECT_EQ(draw_resized_crop(how, 1000, 75, random), (Rectangle{450, 0, 100, 75}));
  how.crop_ratio = {0.9, 1.1};
  how.crop_area = {0.999, 1};
  EXPECT_EQ(draw_resized_crop(how, 1, 1, random), (Rectangle{0, 0, 1, 1}));
}

TEST(Augment, PaddedCropsReachEveryOffset) {
  std::set<std::pair<int64_t, int64_t>> offsets;
  for (uint64_t i = 0; i < 400; ++i) {
    Random random = random_at(i);
    const Rectangle part = draw_padded_crop(8, 9, 2, random);
    EXPECT_EQ(part.height, 8);
    EXPECT_EQ(part.width, 9);
    offsets.insert({part.top, part.left});
  }
  EXPECT_EQ(offsets.size(), 25u);
  EXPECT_EQ(*offsets.begin(), (std::pair<int64_t, int64_t>{-2, -2}));
  EXPECT_EQ(*offsets.rbegin(), (std::pair<int64_t, int64_t>{2, 2}));
}

TEST(Augment, ReflectionIsPeriodicWhereThePaddingIsWiderThanThePicture) {
  const Picture line(1, 3, 1, {1, 2, 3});
  EXPECT_EQ(window(line, {0, -4, 1, 11}, Border::reflect).pixels,
            (std::vector<uint8_t>{1, 2, 3, 2, 1, 2, 3, 2, 1, 2, 3}));
  EXPECT_EQ(window(Picture(1, 1, 1, {9}), {-1, -1, 3, 3}, Border::reflect).pixels, std::vector<uint8_t>(9, 9));
  EXPECT_EQ(window(line, {5, 5, 1, 2}).pixels, (std::vector<uint8_t>{0, 0}));
}

TEST(Augment, JitterDrawsEveryOrderAndStaysInRange) {
  std::set<std::array<Jitter::Operation, 4>> orders;
  for (uint64_t i = 0; i < 500; ++i) {
    Random random = random_at(i);
    const Jitter jitter = draw_jitter({0.4, 2, 0, 0.1}, random);
    orders.insert(jitter.order);
    EXPECT_LE(std::abs(jitter.factors[Jitter::brightness] - 1), 0.4);
    EXPECT_GE(jitter.factors[Jitter::contrast], 0);
    EXPECT_LE(jitter.factors[Jitter::contrast], 3);
    EXPECT_FALSE(jitter.enabled[Jitter::saturation]);
    EXPECT_LE(std::abs(jitter.factors[Jitter::hue]), 0.1);
  }
  EXPECT_EQ(orders.size(), 24u);
}

TEST(Augment, IsAPureFunctionOfItsRandom) {
  const Picture picture = noise(50, 40);
  Preprocess input;
  input.height = 24;
  input.width = 20;
  Augmentation how;
  how.random_resized_crop = true;
  how.crop_padding = 2;
  how.flip = 0.5;
  how.jitter = {0.4, 0.4, 0.4, 0.1};
  const Picture first = augment(picture, how, input, random_at(3));
  EXPECT_EQ(first.height, 24);
  EXPECT_EQ(first.width, 20);
  EXPECT_EQ(augment(picture, how, input, random_at(3)), first);
  EXPECT_NE(augment(picture, how, input, random_at(4)), first);
}

TEST(Augment, NothingIsDoneByDefault) {
  const Picture picture = noise(50, 40);
  const Preprocess input;
  EXPECT_EQ(augment(picture, Augmentation{}, input, random_at(0)), fit(picture, input));
}

TEST(Augment, PoliciesFillWithWhatTheirLibraryDoes) {
  Preprocess input;
  input.height = input.width = 32;
  input.crop_pct = 1;
  Picture white(32, 32, 3);
  std::fill(white.pixels.begin(), white.pixels.end(), uint8_t{255});
  const auto other_values = [&](const char* policy) {
    Augmentation how;
    how.policy = policy;
    std::set<int> values;
    for (uint64_t i = 0; i < 200; ++i) {
      const Picture out = augment(white, how, input, random_at(i));
      values.insert(out.at(0, 0, 0));
      EXPECT_EQ(augment(white, how, input, random_at(i)), out);
    }
    return values;
  };
  EXPECT_EQ(other_values("ta_wide").count(0), 1u);
  const std::set<int> timm = other_values("rand-m10-n1-p1");
  EXPECT_EQ(timm.count(124), 1u);  // round(255 · 0.485)
}

TEST(Augment, FlipsAsOftenAsAsked) {
  const Picture picture = noise(3, 3);
  Preprocess input;
  input.height = input.width = 3;
  input.crop_pct = 1;
  Augmentation how;
  how.flip = 0.25;
  int flipped = 0;
  for (uint64_t i = 0; i < 2000; ++i) flipped += augment(picture, how, input, random_at(i)) == flip_left_right(picture);
  EXPECT_NEAR(flipped, 500, 60);
}

TEST(Augment, OptionsHaveNamesOfTheirOwn) {
  Augmentation how;
  MixOptions mix;
  Preprocess input;
  Options options;
  input.visit(options);
  how.visit(options);
  mix.visit(options);
  options.parse(
      {"--random-resized-crop", "--crop-area", "0.2,0.9", "--jitter-hue=0.1", "--erasing", "0.25", "--cutmix", "1"});
  EXPECT_TRUE(how.random_resized_crop);
  EXPECT_EQ(how.crop_area, (std::vector<double>{0.2, 0.9}));
  EXPECT_EQ(how.jitter.hue, 0.1);
  EXPECT_EQ(how.erasing.probability, 0.25);
  EXPECT_EQ(mix.cutmix, 1);
  EXPECT_THROW(options.parse({"--flip", "1.5"}), UsageError);
}

TEST(Augment, NamesWhatCannotBe) {
  Augmentation how;
  how.padding = "mirror";
  EXPECT_THROW(check(how), Error);
  how = {};
  how.crop_area = {0.5};
  EXPECT_THROW(check(how), Error);
  how = {};
  how.crop_ratio = {2, 1};
  EXPECT_THROW(check(how), Error);
  how = {};
  how.jitter.hue = 0.6;
  EXPECT_THROW(check(how), Error);
  how = {};
  how.erasing.fill = "noise";
  EXPECT_THROW(check(how), Error);
  how = {};
  how.policy = "rnad-m9";
  EXPECT_THROW(check(how), Error);
  how = {};
  how.flip = std::nan("");
  EXPECT_THROW(check(how), Error);
  check(Augmentation{});
}

}  // namespace
}  // namespace tessera::image
