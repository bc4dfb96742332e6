#include "tessera/image/resize.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tessera/core/error.h"
#include "tessera/image/geometry.h"
#include "tessera/kernels/cpu/targets.h"
#include "tests/image/golden.h"

namespace tessera::image {
namespace {

using test::difference;
using test::read_json;
using test::reference_picture;
using test::shared_path;
using Json = nlohmann::json;

Picture source_of(const Json& c) {
  const Picture& picture = reference_picture(c["file"]);
  if (!c.contains("crop")) return picture;
  const auto [left, top, right, bottom] = c["crop"].get<std::array<int64_t, 4>>();
  return window(picture, {top, left, bottom - top, right - left});
}

Resize how(const Json& c, PillowVersion pillow) {
  std::string filter = c["filter"];
  std::transform(filter.begin(), filter.end(), filter.begin(), [](char ch) { return std::tolower(ch); });
  Resize how{.height = c["size"][1], .width = c["size"][0], .filter = filter_named(filter), .pillow = pillow};
  if (c.contains("box")) {
    const auto [left, top, right, bottom] = c["box"].get<std::array<double, 4>>();
    how.box =
        Box{static_cast<float>(left), static_cast<float>(top), static_cast<float>(right), static_cast<float>(bottom)};
  }
  return how;
}

TEST(Resize, IsPillowsBitForBit) {
  const auto golden = shared_path("golden/images/resize.json");
  if (!golden) GTEST_SKIP() << "no shared/golden/images";
  int matched = 0, swapped = 0;
  const Json reference = read_json(*golden);
  for (const Json& c : reference["cases"]) {
    const Json trace = {c["file"], c["kind"], c["filter"], c["size"]};
    SCOPED_TRACE(trace.dump());
    const Picture picture = source_of(c);
    EXPECT_EQ(difference(resize(picture, how(c, PillowVersion::v9_4)), c["out"]), "");
    const bool differs = c.contains("newer_pillow");
    const Json& newer = differs ? c["newer_pillow"] : c["out"];
    EXPECT_EQ(difference(resize(picture, how(c, PillowVersion::v13)), newer), "");
    ++matched;
    swapped += differs;
  }
  EXPECT_EQ(matched, 228);
  EXPECT_GT(swapped, 20);
}

Picture noise(int64_t height, int64_t width, int64_t channels) {
  Picture picture(height, width, channels);
  uint32_t state = 7;
  for (uint8_t& value : picture.pixels) value = static_cast<uint8_t>((state = state * 1664525 + 1013904223) >> 24);
  return picture;
}

constexpr Filter kAll[] = {Filter::nearest, Filter::box,     Filter::bilinear,
                           Filter::hamming, Filter::bicubic, Filter::lanczos};

TEST(Resize, AWindowIsThatPartOfTheWholeResult) {
  for (const auto& [height, width] : {std::pair<int64_t, int64_t>{97, 41}, {23, 150}, {60, 60}}) {
    for (int64_t channels : {1, 3}) {
      const Picture picture = noise(height, width, channels);
      for (Filter filter : kAll) {
        for (PillowVersion pillow : {PillowVersion::v9_4, PillowVersion::v13}) {
          Resize how{.height = 31, .width = 60, .filter = filter, .pillow = pillow};
          const Rectangle part{5, 11, 20, 37};
          const Picture whole = resize(picture, how);
          how.window = part;
          EXPECT_EQ(resize(picture, how), window(whole, part)) << height << "x" << width;
        }
      }
    }
  }
}

TEST(Resize, ReadsOnlyWhatItSays) {
  for (const auto& [height, width] : {std::pair<int64_t, int64_t>{97, 41}, {23, 150}, {31, 60}}) {
    const Picture picture = noise(height, width, 3);
    for (Filter filter : kAll) {
      for (const Rectangle& part : {Rectangle{0, 0, 1, 1}, Rectangle{5, 11, 20, 37}, Rectangle{30, 59, 1, 1}}) {
        const Resize how{.height = 31, .width = 60, .filter = filter, .window = part};
        const Rectangle read = resize_reads(height, width, how);
        Picture other(height, width, 3);
        for (int64_t y = read.top; y < read.top + read.height; ++y)
          std::copy_n(picture.row(y) + 3 * read.left, 3 * read.width, other.row(y) + 3 * read.left);
        EXPECT_EQ(resize(other, how), resize(picture, how));
        EXPECT_LE(read.height, (part.height + 6) * std::max<int64_t>(height / 31 + 1, 1));
        EXPECT_LE(read.width, (part.width + 6) * std::max<int64_t>(width / 60 + 1, 1));
      }
    }
  }
}

TEST(Resize, EveryInstructionSetGivesTheSamePixels) {
  for (const auto& [height, width] : {std::pair<int64_t, int64_t>{70, 61}, {3, 2}, {1, 90}, {90, 1}}) {
    for (int64_t channels : {1, 3}) {
      const Picture picture = noise(height, width, channels);
      for (const Resize& how : {Resize{.height = 33, .width = 47}, Resize{.height = 80, .width = 7}}) {
        const Picture best = resize(picture, how);
        for (int64_t target : kernels::simd_targets()) {
          kernels::set_simd_target(target);
          EXPECT_EQ(resize(picture, how), best) << kernels::simd_target_name(target) << " " << height << "x" << width;
        }
        kernels::set_simd_target(0);
      }
    }
  }
}

TEST(Resize, GrayIsOneChannelOfTheSamePicture) {
  const Picture gray = noise(33, 57, 1);
  for (Filter filter : kAll) {
    const Resize how{.height = 40, .width = 19, .filter = filter};
    EXPECT_EQ(with_channels(resize(gray, how), 3), resize(with_channels(gray, 3), how));
  }
}

TEST(Resize, RefusesWhatCannotBe) {
  const Picture picture(4, 4, 3);
  EXPECT_THROW(resize(picture, {.height = 0, .width = 4}), Error);
  EXPECT_THROW(resize(Picture(), {.height = 4, .width = 4}), Error);
  EXPECT_THROW(resize(picture, {.height = 4, .width = 4, .box = Box{0, 0, 4.5f, 4}}), Error);
  EXPECT_THROW(resize(picture, {.height = 4, .width = 4, .box = Box{2, 0, 2, 4}}), Error);
  EXPECT_THROW(resize(picture, {.height = 4, .width = 4, .window = Rectangle{0, 1, 4, 4}}), Error);
  EXPECT_THROW(filter_named("bicubik"), Error);
  EXPECT_THROW(pillow_named("10"), Error);
}

}  // namespace
}  // namespace tessera::image
