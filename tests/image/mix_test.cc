#include "tessera/image/mix.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tessera/core/error.h"
#include "tessera/formats/npz.h"
#include "tessera/image/erase.h"
#include "tests/image/golden.h"

namespace tessera::image {
namespace {

using formats::find;
using test::read_json;
using test::shared_path;
using Json = nlohmann::json;

struct Reference {
  Json json;
  formats::NamedArrays arrays;

  std::vector<float> values(const std::string& name) const { return formats::to_f32(*find(arrays, name)); }
};

std::optional<Reference> reference() {
  const auto golden = shared_path("golden/images/augment.json");
  if (!golden) return std::nullopt;
  return Reference{read_json(*golden), formats::read_npz(*shared_path("golden/images/mix.npz"))};
}

constexpr int64_t kBatch = 2, kChannels = 3, kHeight = 16, kWidth = 20, kPlane = kHeight * kWidth;

// (N, C, H, W) -> (N, H, W, C)
std::vector<float> channels_last(const std::vector<float>& planes) {
  std::vector<float> pixels(planes.size());
  for (size_t i = 0; i < planes.size(); ++i) {
    const int64_t at = static_cast<int64_t>(i), n = at / (kChannels * kPlane), c = at / kPlane % kChannels;
    pixels[static_cast<size_t>((n * kPlane + at % kPlane) * kChannels + c)] = planes[i];
  }
  return pixels;
}

Mix mix_of(const Json& c) {
  if (c["kind"].get<std::string>().find("cutmix") == std::string::npos) return {Mix::mixup, c["lam"], {}};
  const Rectangle part = cutmix_part(kHeight, kWidth, c["lam"], c["centre_y_x"][0], c["centre_y_x"][1]);
  const auto [top, bottom, left, right] = c["box_top_bottom_left_right"].get<std::array<int64_t, 4>>();
  EXPECT_EQ(part, (Rectangle{top, left, bottom - top, right - left}));
  return cutmix_of(kHeight, kWidth, part);
}

TEST(Mix, IsTimmsBitForBit) {
  const auto golden = reference();
  if (!golden) GTEST_SKIP() << "no shared/golden/images";
  const std::vector<float> x = channels_last(golden->values("x"));
  const std::vector<int64_t> labels = formats::to_i64(*find(golden->arrays, "labels"));
  int matched = 0;
  for (const Json& c : golden->json["mix"]) {
    SCOPED_TRACE(c.dump());
    const Mix mix = mix_of(c);
    if (c.contains("corrected_lam")) {
      EXPECT_DOUBLE_EQ(mix.lambda, c["corrected_lam"]);
    }
    std::vector<float> mixed = x;
    mix_pixels(mix, mixed.data(), kBatch, kHeight, kWidth, kChannels);
    EXPECT_EQ(mixed, channels_last(golden->values(c["npz"].get<std::string>() + "_x")));
    const int64_t classes = c["classes"];
    std::vector<float> targets(labels.size() * static_cast<size_t>(classes));
    mix_targets(mix, labels, classes, c["smoothing"], targets.data());
    EXPECT_EQ(targets, golden->values(c["npz"].get<std::string>() + "_target"));
    ++matched;
  }
  EXPECT_EQ(matched, 15);
}

TEST(Mix, CutmixPartsAreTimms) {
  const auto golden = reference();
  if (!golden) GTEST_SKIP() << "no shared/golden/images";
  int matched = 0;
  for (const Json& c : golden->json["cutmix_boxes"]) {
    SCOPED_TRACE(c.dump());
    const int64_t height = c["h_w"][0], width = c["h_w"][1];
    const Rectangle part = cutmix_part(height, width, c["lam"], c["centre_y_x"][0], c["centre_y_x"][1]);
    const auto [top, bottom, left, right] = c["timm"].get<std::array<int64_t, 4>>();
    EXPECT_EQ(part, (Rectangle{top, left, bottom - top, right - left}));
    EXPECT_DOUBLE_EQ(cutmix_of(height, width, part).lambda, c["timm_lam"]);
    ++matched;
  }
  EXPECT_EQ(matched, 72);
}

TEST(Mix, AnOddBatchMixesItsMiddleWithItself) {
  const Mix mixup{Mix::mixup, 0.25, {}};
  std::vector<float> x = {0, 8, 4};
  mix_pixels(mixup, x.data(), 3, 1, 1, 1);
  EXPECT_EQ(x, (std::vector<float>{3, 8, 1}));
  const Mix cutmix{Mix::cutmix, 0.5, {0, 1, 1, 1}};
  std::vector<float> y = {1, 2, 3, 4, 5, 6};
  mix_pixels(cutmix, y.data(), 3, 1, 2, 1);
  EXPECT_EQ(y, (std::vector<float>{1, 6, 3, 4, 5, 2}));
}

TEST(Mix, DrawsWhatIsAskedFor) {
  int mixups = 0, cutmixes = 0;
  for (uint64_t step = 0; step < 2000; ++step) {
    Random random(5, "mix", step);
    const Mix mix = draw_mix({.mixup = 0.8, .cutmix = 1, .probability = 0.5, .prefer_cutmix = 0.25}, 32, 32, random);
    mixups += mix.kind == Mix::mixup;
    cutmixes += mix.kind == Mix::cutmix;
    ASSERT_GE(mix.lambda, 0);
    ASSERT_LE(mix.lambda, 1);
  }
  EXPECT_NEAR(mixups, 750, 90);
  EXPECT_NEAR(cutmixes, 250, 60);
  Random random(5, "mix");
  EXPECT_EQ(draw_mix({}, 32, 32, random).kind, Mix::none);
}

TEST(Mix, BetaHasItsMoments) {
  for (const auto& [a, b] : {std::pair<double, double>{0.2, 0.2}, {0.8, 0.8}, {1, 1}, {2, 5}}) {
    double sum = 0, squares = 0;
    const int count = 20000;
    Random random(9, "beta");
    for (int i = 0; i < count; ++i) {
      const double x = draw_beta(a, b, random);
      sum += x;
      squares += x * x;
    }
    const double mean = sum / count, variance = squares / count - mean * mean;
    EXPECT_NEAR(mean, a / (a + b), 0.012);
    EXPECT_NEAR(variance, a * b / ((a + b) * (a + b) * (a + b + 1)), 0.004);
  }
}

TEST(Mix, RefusesALabelOutsideTheClasses) {
  const std::vector<int64_t> labels = {0, 3};
  std::vector<float> targets(6);
  EXPECT_THROW(mix_targets({}, labels, 3, 0, targets.data()), Error);
}

TEST(Erase, SizesAreTimms) {
  const auto golden = reference();
  if (!golden) GTEST_SKIP() << "no shared/golden/images";
  int filled = 0;
  for (const Json& c : golden->json["random_erasing"]) {
    SCOPED_TRACE(c.dump());
    std::optional<Rectangle> part = erased_size(c["h_w"][0], c["h_w"][1], c["area"], c["aspect"]);
    ASSERT_EQ(part.has_value(), c["accepted"].get<bool>());
    if (!part) continue;
    EXPECT_EQ(part->height, c["erased_h_w"][0]);
    EXPECT_EQ(part->width, c["erased_h_w"][1]);
    if (!c.contains("npz")) continue;
    part->top = c["top_left"][0];
    part->left = c["top_left"][1];
    const std::vector<float> batch = channels_last(golden->values("x"));
    const std::vector<float> zeros(3), values = c["torchvision_value"].get<std::vector<float>>();
    for (const auto& [fill, name] : {std::pair{&zeros, "_const"}, {&values, "_torchvision_value"}}) {
      std::vector<float> sample(batch.begin(), batch.begin() + kChannels * kPlane);
      erase(sample.data(), kWidth, kChannels, *part, *fill);
      EXPECT_EQ(sample, channels_last(golden->values(c["npz"].get<std::string>() + name)));
      ++filled;
    }
  }
  EXPECT_EQ(filled, 4);
}

TEST(Erase, DrawsPartsInsideAndFillsThem) {
  int erased = 0;
  for (uint64_t i = 0; i < 1000; ++i) {
    Random random(1, "erase", 0, i);
    ErasingOptions options;
    options.probability = 0.5;
    const auto erasing = draw_erasing(options, 32, 24, 3, random);
    if (!erasing) continue;
    ++erased;
    const Rectangle& part = erasing->part;
    ASSERT_LT(part.height, 32);
    ASSERT_LT(part.width, 24);
    ASSERT_LE(part.top + part.height, 32);
    ASSERT_LE(part.left + part.width, 24);
    ASSERT_EQ(erasing->fill.size(), static_cast<size_t>(part.height * part.width * 3));
  }
  EXPECT_NEAR(erased, 500, 70);
  Random random(1, "erase");
  ErasingOptions rand;
  rand.probability = 1;
  rand.fill = "rand";
  const auto erasing = draw_erasing(rand, 32, 24, 3, random);
  ASSERT_TRUE(erasing);
  EXPECT_EQ(erasing->fill.size(), 3u);
  EXPECT_NE(erasing->fill[0], erasing->fill[1]);
}

TEST(Erase, RefusesAFillOfTheWrongSize) {
  std::vector<float> sample(12);
  EXPECT_THROW(erase(sample.data(), 2, 3, {0, 0, 2, 1}, std::vector<float>(4)), Error);
  erase(sample.data(), 2, 3, {0, 1, 2, 1}, std::vector<float>{1, 2, 3, 4, 5, 6});
  EXPECT_EQ(sample, (std::vector<float>{0, 0, 0, 1, 2, 3, 0, 0, 0, 4, 5, 6}));
}

}  // namespace
}  // namespace tessera::image
