#include "tessera/image/augment.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "tessera/core/error.h"
#include "tessera/formats/npz.h"
#include "tessera/image/color.h"
#include "tessera/image/geometry.h"
#include "tessera/image/mix.h"
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

// One recorded call; nothing where the operation is not of this folder yet.
std::optional<Picture> perform(Picture picture, const Json& call) {
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
  if (op == "brightness") {
    adjust_brightness(picture, call["factor"]);
  } else if (op == "contrast") {
    adjust_contrast(picture, call["factor"]);
  } else if (op == "color") {
    adjust_saturation(picture, call["factor"]);
  } else if (op == "hue") {
    adjust_hue(picture, call["factor"]);
  } else {
    return std::nullopt;
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
    std::optional<Picture> picture = picture_of(*formats::find(inputs, c["image"].get<std::string>()));
    for (const Json& call : c["calls"]) {
      if (picture) picture = perform(std::move(*picture), call);
    }
    if (!picture) continue;
    SCOPED_TRACE(c["image"].dump() + " " + c["python"].dump());
    EXPECT_EQ(difference(*picture, c["out"]), "");
    ++matched[c["calls"].size() == 4 ? "jitter" : c["calls"][0]["op"].get<std::string>()];
  }
  const std::map<std::string, int> expected = {{"brightness", 56},  {"color", 64},      {"contrast", 56},
                                               {"grayscale", 8},    {"hue", 16},        {"jitter", 4},
                                               {"pad_constant", 4}, {"pad_reflect", 4}, {"transpose", 8}};
  EXPECT_EQ(matched, expected);
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
  how.flip = std::nan("");
  EXPECT_THROW(check(how), Error);
  check(Augmentation{});
}

}  // namespace
}  // namespace tessera::image
