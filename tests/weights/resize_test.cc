// Resized weights against those of timm, Hugging Face, torchvision, DINO and Google's code.
#include "tessera/weights/resize.h"

#include <gtest/gtest.h>

#include <charconv>
#include <cmath>

#include "tessera/formats/safetensors.h"
#include "tessera/formats/tensor.h"
#include "tests/support.h"

namespace tessera::weights {
namespace {

constexpr double kBound = 5e-6;

class Golden {
 public:
  explicit Golden(const std::string& file)
      : file_(formats::read_safetensors(test::golden_path("origins/resize/" + file))) {}

  Tensor at(const std::string& name) const {
    const formats::Array& array = formats::at(file_.arrays, name);
    return Tensor::from(array.shape, std::span<const float>(formats::to_f32(array)));
  }
  const formats::NamedArrays& arrays() const { return file_.arrays; }

 private:
  formats::SafeTensors file_;
};

double largest_difference(const Tensor& a, const Tensor& b) {
  if (a.shape() != b.shape()) return INFINITY;
  double largest = 0;
  for (size_t i = 0; i < a.span().size(); ++i) {
    const double difference = std::fabs(static_cast<double>(a.span()[i]) - b.span()[i]);
    if (!(difference <= largest)) largest = difference;
  }
  return largest;
}

// "timm.14to16x10" or "timm.7to12x12.extra3"; "flexi.8x8" has no source.
struct Case {
  std::string method, source, rest;
  Grid from, to;
  int64_t extra = 0;

  explicit Case(const std::string& key) {
    const size_t dot = key.find('.');
    method = key.substr(0, dot);
    rest = key.substr(dot + 1);
    std::string text = rest;
    if (const size_t at = text.find(".extra3"); at != std::string::npos) {
      extra = 3;
      text.resize(at);
    }
    if (const size_t at = text.find("to"); at != std::string::npos) {
      source = text.substr(0, at);
      const int64_t side = std::stoll(source);
      from = {side, side};
      text = text.substr(at + 2);
    }
    to = {std::stoll(text), std::stoll(text.substr(text.find('x') + 1))};
  }
};

TEST(Resize, PositionsAsEachOriginDoes) {
  const Golden golden("pos_embed.safetensors");
  int cases = 0;
  for (const auto& [key, array] : golden.arrays()) {
    if (key.find("table") == 0) continue;
    const Case c(key);
    const Tensor ours =
        resize_positions(golden.at("table." + c.source), 1, c.from, c.to, position_resize_named(c.method));
    EXPECT_LE(largest_difference(ours, golden.at(key)), kBound) << key;
    ++cases;
  }
  EXPECT_EQ(cases, 42);
}

TEST(Resize, RelativePositionsAsEachOriginDoes) {
  const Golden golden("rel_pos_bias.safetensors");
  int cases = 0;
  for (const auto& [key, array] : golden.arrays()) {
    if (key.find("table") == 0) continue;
    const Case c(key);
    const Tensor ours =
        resize_relative(golden.at("table." + c.rest), c.from, c.to, c.extra, relative_resize_named(c.method));
    EXPECT_LE(largest_difference(ours, golden.at(key)), kBound) << key;
    ++cases;
  }
  EXPECT_EQ(cases, 13);
}

TEST(Resize, PatchKernelsByThePseudoInverse) {
  const Golden golden("patch_kernel.safetensors");
  const Tensor kernel = golden.at("kernel");
  for (const auto& [key, array] : golden.arrays()) {
    if (key.find("flexi") != 0) continue;
    const Case c(key);
    EXPECT_LE(largest_difference(resize_patch(kernel, c.to, patch_resize_named(c.method)), golden.at(key)), kBound)
        << key;
  }
  for (const int64_t channels : {1, 2, 4, 6})
    EXPECT_LE(largest_difference(adapt_channels(kernel, channels), golden.at("channels." + std::to_string(channels))),
              kBound)
        << channels;
}

// What the pseudo-inverse is for: a picture that is enlarged with the kernel gives the same response.
TEST(Resize, AnEnlargedKernelAnswersAnEnlargedPictureAsBefore) {
  const Tensor kernel = Golden("patch_kernel.safetensors").at("kernel").rows(0, 1);  // (1, 3, 16, 16)
  const Tensor picture = Golden("patch_kernel.safetensors").at("kernel").rows(1, 1);
  const Tensor large = resize_patch(kernel, {21, 32}, PatchResize::flexi);
  // The picture's three channels as columns of a table of positions: (16, 16, 3), enlarged by the same B.
  const Tensor as_table = Tensor::empty({1, 256, 3});
  for (int64_t c = 0; c < 3; ++c)
    for (int64_t i = 0; i < 256; ++i) as_table.data()[i * 3 + c] = picture.data()[c * 256 + i];
  const Tensor enlarged = resize_positions(as_table, 0, {16, 16}, {21, 32}, PositionResize::timm);
  double before = 0, after = 0;
  for (int64_t i = 0; i < 3 * 256; ++i) before += static_cast<double>(kernel.data()[i]) * picture.data()[i];
  for (int64_t c = 0; c < 3; ++c)
    for (int64_t i = 0; i < 21 * 32; ++i)
      after += static_cast<double>(large.data()[c * 21 * 32 + i]) * enlarged.data()[i * 3 + c];
  EXPECT_NEAR(before, after, 1e-5 * std::max(1.0, std::fabs(before)));
}

TEST(Resize, ASizeThatStaysChangesNothing) {
  const Golden positions("pos_embed.safetensors"), relative("rel_pos_bias.safetensors");
  const Tensor table = positions.at("table.7"), offsets = relative.at("table.7to12x12.extra3");
  for (const std::string& name : position_resize_names())
    EXPECT_EQ(largest_difference(resize_positions(table, 1, {7, 7}, {7, 7}, position_resize_named(name)), table), 0);
  for (const std::string& name : relative_resize_names())
    EXPECT_EQ(largest_difference(resize_relative(offsets, {7, 7}, {7, 7}, 3, relative_resize_named(name)), offsets), 0);
}

// Sides of one point have neither neighbours nor a distance between corners.
TEST(Resize, OnePointBecomesManyAndManyBecomeOne) {
  const Tensor table = Golden("pos_embed.safetensors").at("table.7");
  for (const std::string& name : position_resize_names()) {
    const Tensor one = resize_positions(table, 1, {7, 7}, {1, 1}, position_resize_named(name));
    ASSERT_EQ(one.shape(), (Shape{1, 2, 8})) << name;
    const Tensor many = resize_positions(one, 1, {1, 1}, {3, 2}, position_resize_named(name));
    for (int64_t i = 0; i < 6 * 8; ++i)
      EXPECT_NEAR(many.data()[8 + i], one.data()[8 + i % 8], 1e-6) << name << " " << i;
  }
}

TEST(Resize, SaysWhatDoesNotFit) {
  const Tensor table = Tensor::zeros({1, 50, 8});
  EXPECT_EQ(test::error_of([&] {
              resize_positions(table, 0, {7, 7}, {8, 8}, PositionResize::hf);
            }),
            "positions: the table is (1, 50, 8), but 7 x 7 patches and 0 other tokens need 49 rows");
  EXPECT_EQ(test::error_of([&] {
              resize_relative(Tensor::zeros({169, 3}), {7, 7}, {8, 8}, 3, RelativeResize::timm);
            }),
            "relative positions: the table is (169, 3), but a window of 7 x 7 needs 172 rows");
  EXPECT_EQ(test::error_of([] { position_resize_named("torchvison"); }),
            "unknown resize of positions 'torchvison', did you mean 'torchvision'?");
  EXPECT_EQ(test::error_of([] { patch_resize_named("x"); }),
            "unknown resize of patch kernels 'x'; known: flexi, flexi_npz");
}

}  // namespace
}  // namespace tessera::weights
