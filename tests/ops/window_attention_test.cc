// What attention within windows promises beyond its numbers: what a window and a region keep apart, taps, and what it
// refuses.
#include "tessera/ops/window_attention.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tessera/nn/relative_position.h"
#include "tessera/ops/attention.h"
#include "tessera/ops/tap.h"
#include "tests/tensors.h"

namespace tessera::ops {
namespace {

using test::normal;

constexpr int64_t kHeads = 2, kWidth = 6;

WindowAttentionOptions options_of(const WindowGrid& grid) {
  WindowAttentionOptions options;
  options.grid = grid;
  options.heads = kHeads;
  options.scale = 0.5f;
  options.bias_table = normal({grid.offsets(), kHeads}, "table");
  return options;
}

TEST(WindowAttention, OfOneWindowIsAttention) {
  const WindowGrid grid = {.H = 5, .W = 4, .window = {5, 4}};
  const Tensor qkv = normal({2, 20, 3 * kWidth}, "qkv");
  const WindowAttentionOptions options = options_of(grid);
  const nn::RelativePositionBias positions({.height = 5, .width = 4}, kHeads);
  AttentionOptions whole;
  whole.heads = kHeads;
  whole.scale = options.scale;
  whole.bias_table = options.bias_table;
  whole.bias_index = positions.index();
  const Tensor expected = attention(qkv, whole);
  const Tensor y = window_attention(qkv, options);
  for (int64_t i = 0; i < y.numel(); ++i) EXPECT_NEAR(y.data()[i], expected.data()[i], 1e-6);
}

// Which tokens of the map change when one of them does.
std::vector<bool> reached_by(int64_t token, const WindowGrid& grid) {
  Tensor qkv = normal({1, grid.H * grid.W, 3 * kWidth}, "qkv");
  const WindowAttentionOptions options = options_of(grid);
  const Tensor before = window_attention(qkv, options);
  for (int64_t c = 0; c < 3 * kWidth; ++c) qkv.data()[token * 3 * kWidth + c] += 1;
  const Tensor after = window_attention(qkv, options);
  std::vector<bool> reached;
  for (int64_t t = 0; t < grid.H * grid.W; ++t) {
    bool changed = false;
    for (int64_t c = t * kWidth; c < (t + 1) * kWidth; ++c) changed |= before.data()[c] != after.data()[c];
    reached.push_back(changed);
  }
  return reached;
}

TEST(WindowAttention, StaysWithinWindows) {
  const WindowGrid grid = {.H = 6, .W = 6, .window = {3, 2}};
  for (int64_t token = 0; token < 36; ++token) {
    const std::vector<bool> reached = reached_by(token, grid);
    for (int64_t t = 0; t < 36; ++t) {
      const bool same = t / 6 / 3 == token / 6 / 3 && t % 6 / 2 == token % 6 / 2;
      EXPECT_EQ(reached[static_cast<size_t>(t)], same) << token << " and " << t;
    }
  }
}

// A shifted window joins what was cut before, but never what rolling alone brought together: on either axis tokens
// share a window where their places, shifted back, do, without going around the edge.
TEST(WindowAttention, TheMaskIsolatesRegions) {
  const WindowGrid grid = {.H = 8, .W = 8, .window = {4, 4}, .shift = {2, 1}};
  const auto together = [](int64_t a, int64_t b, int64_t shift) {
    return (a + 8 - shift) % 8 / 4 == (b + 8 - shift) % 8 / 4 && (a < shift) == (b < shift);
  };
  for (int64_t token = 0; token < 64; ++token) {
    const std::vector<bool> reached = reached_by(token, grid);
    for (int64_t t = 0; t < 64; ++t) {
      const bool same = together(t / 8, token / 8, 2) && together(t % 8, token % 8, 1);
      EXPECT_EQ(reached[static_cast<size_t>(t)], same) << token << " and " << t;
    }
  }
}

TEST(WindowAttention, OffersItsProbabilitiesOnlyWhenTapped) {
  const WindowGrid grid = {.H = 4, .W = 5, .window = {3, 3}, .shift = {1, 1}};
  const Tensor qkv = normal({2, 20, 3 * kWidth}, "qkv");
  WindowAttentionOptions options = options_of(grid);
  const Tensor y = window_attention(qkv, options);
  options.tap = "p";
  const Taps taps;
  const Tensor tapped_y = window_attention(qkv, options);
  for (int64_t i = 0; i < y.numel(); ++i) ASSERT_EQ(y.data()[i], tapped_y.data()[i]);
  const Tensor p = taps.at("p");
  ASSERT_EQ(p.shape(), (Shape{2, 4, kHeads, 9, 9}));
  for (int64_t row = 0; row < p.numel() / 9; ++row) {
    double sum = 0;
    for (int64_t j = 0; j < 9; ++j) sum += p.data()[row * 9 + j];
    EXPECT_NEAR(sum, 1, 1e-6);
  }
  // The first window's first place is token (1, 1), alone seen by itself and its window: y is Σ p·v there.
  for (int64_t c = 0; c < kWidth / kHeads; ++c) {
    double sum = 0;
    for (int64_t j = 0; j < 9; ++j) {
      const int64_t token = (1 + j / 3) * 5 + 1 + j % 3;
      sum += p.data()[j] * qkv.data()[token * 3 * kWidth + 2 * kWidth + c];
    }
    EXPECT_NEAR(y.data()[6 * kWidth + c], sum, 1e-5);
  }
}

TEST(WindowAttention, DoesNotHideWhatIsNotANumber) {
  const WindowGrid grid = {.H = 6, .W = 3, .window = {3, 3}};
  Tensor qkv = normal({1, 18, 3 * kWidth}, "qkv");
  qkv.data()[4 * 3 * kWidth] = std::nanf("");  // of the query of token 4, head 0
  const Tensor y = window_attention(qkv, options_of(grid));
  EXPECT_TRUE(std::isnan(y.data()[4 * kWidth]));
  EXPECT_FALSE(std::isnan(y.data()[4 * kWidth + kWidth / 2]));
  EXPECT_FALSE(std::isnan(y.data()[5 * kWidth]));
}

TEST(WindowAttention, RefusesWhatDoesNotFit) {
  const WindowGrid grid = {.H = 4, .W = 4, .window = {2, 2}};
  const Tensor qkv = normal({1, 16, 3 * kWidth}, "qkv");
  const auto with = [&](const auto& change) {
    WindowAttentionOptions options = options_of(grid);
    change(options);
    return options;
  };
  window_attention(qkv, options_of(grid));
  EXPECT_THROW(window_attention(normal({1, 15, 3 * kWidth}, "x"), options_of(grid)), Error);
  EXPECT_THROW(window_attention(qkv, with([](auto& o) { o.heads = 4; })), Error);
  EXPECT_THROW(window_attention(qkv, with([](auto& o) { o.grid.shift.w = 2; })), Error);
  EXPECT_THROW(window_attention(qkv, with([](auto& o) { o.grid.window.h = 0; })), Error);
  EXPECT_THROW(window_attention(qkv, with([](auto& o) { o.bias_table = normal({8, kHeads}, "t"); })), Error);
  EXPECT_THROW(window_attention(qkv, with([](auto& o) { o.padding = normal({kWidth}, "p"); })), Error);
  EXPECT_THROW(window_attention(qkv, with([](auto& o) { o.dropout = 1; })), Error);
}

}  // namespace
}  // namespace tessera::ops
