#include "tessera/image/preprocess.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "tessera/core/error.h"
#include "tessera/formats/npz.h"
#include "tessera/image/geometry.h"
#include "tests/image/golden.h"

namespace tessera::image {
namespace {

using test::difference;
using test::read_json;
using test::reference_picture;
using test::shared_path;
using Json = nlohmann::json;

// The settings of a library in our words.
Preprocess preprocess_of(const Json& recipe) {
  Preprocess how;
  const Json& size = recipe["input_size"];
  how.height = size.is_array() ? size[0] : size;
  how.width = size.is_array() ? size[1] : size;
  how.interpolation = recipe["interpolation"];
  how.mean = recipe["mean"].get<std::vector<double>>();
  how.std = recipe["std"].get<std::vector<double>>();
  how.pillow = "9.4";
  if (recipe["library"] == "timm") {
    how.crop_mode = recipe["crop_mode"];
    how.crop_pct = recipe["crop_pct"];
  } else if (recipe["library"] == "torchvision") {
    how.resize_height = how.resize_width = recipe["resize"];
  } else {
    how.crop_mode = "squash";
    how.resize_height = recipe["resize"][0];
    how.resize_width = recipe["resize"][1];
    how.floor_crop = true;
  }
  return how;
}

struct Moments {
  double mean, std;
};

Moments moments(const std::vector<float>& values, size_t begin, size_t count) {
  double sum = 0, squares = 0;
  for (size_t i = begin; i < begin + count; ++i) sum += values[i];
  const double mean = sum / static_cast<double>(count);
  for (size_t i = begin; i < begin + count; ++i) squares += (values[i] - mean) * (values[i] - mean);
  return {mean, std::sqrt(squares / static_cast<double>(count))};
}

void expect_tensor(const Picture& crop, const Preprocess& how, const Json& expected) {
  std::vector<float> planes(crop.pixels.size()), pixels(crop.pixels.size());
  normalise(crop, how, Layout::nchw, planes.data());
  EXPECT_EQ(test::sha256(planes), expected["sha256_f32_chw"]);
  const std::vector<float> first(planes.begin(), planes.begin() + 16);
  EXPECT_EQ(first, expected["first_16"].get<std::vector<float>>());
  const size_t plane = planes.size() / 3;
  for (size_t c = 0; c < 3; ++c) {
    const Moments m = moments(planes, c * plane, plane);
    EXPECT_NEAR(m.mean, expected["mean"][c], 1e-6);
    EXPECT_NEAR(m.std, expected["std"][c], 1e-6);
  }
  normalise(crop, how, Layout::nhwc, pixels.data());
  for (size_t i = 0; i < plane; ++i) {
    for (size_t c = 0; c < 3; ++c) ASSERT_EQ(pixels[3 * i + c], planes[c * plane + i]);
  }
}

TEST(Preprocess, GivesTheLibrariesPixelsAndNumbers) {
  const auto golden = shared_path("golden/images/preprocess.json");
  if (!golden) GTEST_SKIP() << "no shared/golden/images";
  const Json reference = read_json(*golden);
  const formats::NamedArrays crops = formats::read_npz(*shared_path("golden/images/preprocess_u8.npz"));
  std::map<std::string, Preprocess> recipes;
  for (const Json& recipe : reference["recipes"]) recipes[recipe["name"]] = preprocess_of(recipe);
  int matched = 0;
  for (const Json& c : reference["cases"]) {
    const std::string recipe = c["recipe"], file = c["file"];
    SCOPED_TRACE(recipe + ", " + file);
    Preprocess how = recipes.at(recipe);
    const Picture& picture = reference_picture(file);
    const Picture crop = fit(picture, how);
    EXPECT_EQ(difference(crop, c["crop"]), "");
    expect_tensor(crop, how, c["tensor"]);
    if (c.contains("npz")) {
      const formats::Array* array = formats::find(crops, c["npz"].get<std::string>());
      ASSERT_TRUE(array);
      EXPECT_TRUE(std::equal(array->bytes.begin(), array->bytes.end(), std::as_bytes(std::span(crop.pixels)).begin()));
    }
    how.pillow = "13";
    const Json& newer = c.contains("newer_pillow") ? c["newer_pillow"] : c["crop"];
    EXPECT_EQ(difference(fit(picture, how), newer), "");
    ++matched;
  }
  EXPECT_EQ(matched, 180);
}

TEST(Preprocess, GrayModelsSeeTheLuma) {
  Preprocess how;
  how.height = how.width = 2;
  how.crop_pct = 1;
  how.channels = 1;
  how.mean = {0.5};
  how.std = {0.5};
  const Picture rgb(2, 2, 3, {255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255});
  const Picture gray = fit(rgb, how);
  EXPECT_EQ(gray, Picture(2, 2, 1, {76, 150, 29, 255}));
  float out[4];
  normalise(gray, how, Layout::nhwc, out);
  EXPECT_EQ(out[3], 1.0f);
  EXPECT_EQ(fit(with_channels(gray, 3), how), gray);
}

TEST(Preprocess, APictureOfTheInputsSizeIsUntouched) {
  Preprocess how;
  how.height = 32;
  how.width = 32;
  how.crop_pct = 1;
  Picture picture(32, 32, 3);
  for (size_t i = 0; i < picture.pixels.size(); ++i) picture.pixels[i] = static_cast<uint8_t>(i * 31);
  EXPECT_EQ(fit(picture, how), picture);
}

TEST(Preprocess, ExtremeShapesStayInBounds) {
  for (const char* mode : {"center", "squash", "border"}) {
    for (const auto& [height, width] : {std::pair<int64_t, int64_t>{1, 1}, {1, 4000}, {4000, 1}, {2, 3}}) {
      Preprocess how;
      how.height = 24;
      how.width = 16;
      how.crop_mode = mode;
      const Picture out = fit(Picture(height, width, 3), how);
      EXPECT_EQ(out.height, 24);
      EXPECT_EQ(out.width, 16);
    }
  }
}

TEST(Preprocess, OddOffsetsRoundAsTheLibraryDoes) {
  Picture picture(1, 11, 1);
  for (int64_t x = 0; x < 11; ++x) picture.pixels[static_cast<size_t>(x)] = static_cast<uint8_t>(x);
  Preprocess how;
  how.height = 1;
  how.channels = 1;
  how.mean = how.std = {0.5};
  how.crop_mode = "squash";
  how.resize_height = 1;
  how.resize_width = 11;
  const auto first_column = [&](int64_t width, bool floor) {
    how.width = width;
    how.floor_crop = floor;
    return int{fit(picture, how).pixels[0]};
  };
  EXPECT_EQ(first_column(10, false), 0);  // 0.5
  EXPECT_EQ(first_column(8, false), 2);   // 1.5
  EXPECT_EQ(first_column(6, false), 2);   // 2.5
  EXPECT_EQ(first_column(8, true), 1);
}

TEST(Preprocess, SurvivesBeingStored) {
  Preprocess how;
  how.height = 240;
  how.width = 288;
  how.crop_mode = "border";
  how.crop_pct = 0.95;
  how.interpolation = "lanczos";
  how.pillow = "9.4";
  how.floor_crop = true;
  how.mean = {0.48145466, 0.4578275, 0.40821073};
  Options stored, read;
  how.visit(stored);
  Preprocess back;
  back.visit(read);
  read.from_json(stored.to_json(), "model.safetensors");
  EXPECT_EQ(back, how);
  EXPECT_THROW(read.from_json(R"({"interpolation": "cubic"})", "model.safetensors"), UsageError);
}

TEST(Preprocess, NamesWhatCannotBe) {
  const auto expect = [](const std::string& part, const std::function<void(Preprocess&)>& change) {
    Preprocess how;
    change(how);
    try {
      check(how);
      ADD_FAILURE() << "no error: " << part;
    } catch (const Error& e) {
      EXPECT_NE(std::string(e.what()).find(part), std::string::npos) << e.what();
    }
  };
  check(Preprocess{});
  expect("centre", [](Preprocess& how) { how.crop_mode = "centre"; });
  expect("cubic", [](Preprocess& how) { how.interpolation = "cubic"; });
  expect("crop_pct", [](Preprocess& how) { how.crop_pct = std::nan(""); });
  expect("channels", [](Preprocess& how) { how.channels = 2; });
  expect("1 channels need as many means", [](Preprocess& how) { how.channels = 1; });
  expect("std", [](Preprocess& how) { how.std[1] = 0; });
  expect("width", [](Preprocess& how) { how.width = 0; });
}

}  // namespace
}  // namespace tessera::image
