#include "tessera/weights/rearrange.h"

#include <gtest/gtest.h>

#include <numeric>

#include "tests/support.h"

namespace tessera::weights {
namespace {

std::vector<float> counted(int64_t n) {
  std::vector<float> values(static_cast<size_t>(n));
  std::iota(values.begin(), values.end(), 0.0f);
  return values;
}

std::vector<float> applied(const Rearrange& rearrange, const Shape& shape, const Extents& known = {}) {
  const std::vector<float> in = counted(shape.numel());
  std::vector<float> out(in.size());
  rearrange.apply(std::as_bytes(std::span(in)), shape, out, known);
  return out;
}

TEST(Rearrange, Transposes) {
  const Rearrange transpose("o i -> i o");
  EXPECT_EQ(transpose.result({2, 3}), (Shape{3, 2}));
  EXPECT_EQ(applied(transpose, {2, 3}), (std::vector<float>{0, 3, 1, 4, 2, 5}));
}

// Element by element, over more rows than are moved at a time.
TEST(Rearrange, MovesEveryElementOfAnAttentionKernel) {
  const int64_t D = 130, h = 3, d = 7;
  const std::vector<float> out = applied(Rearrange("D h d -> (h d) D"), {D, h, d});
  EXPECT_EQ(Rearrange("D h d -> (h d) D").result({D, h, d}), (Shape{h * d, D}));
  for (int64_t i = 0; i < h; ++i)
    for (int64_t j = 0; j < d; ++j)
      for (int64_t k = 0; k < D; ++k)
        ASSERT_EQ(out[static_cast<size_t>((i * d + j) * D + k)], static_cast<float>((k * h + i) * d + j));
}

TEST(Rearrange, TakesExtentsThatShapesDoNotTell) {
  const Rearrange patch("D (y x c) -> D c y x");
  EXPECT_EQ(patch.result({4, 24}, {{"c", 3}, {"y", 2}}), (Shape{4, 3, 2, 4}));
  EXPECT_NE(test::error_of([&] { patch.result({4, 24}, {{"c", 3}}); }).find("'y' and 'x'"), std::string::npos);
  EXPECT_NE(test::error_of([&] {
              patch.result({4, 24}, {{"c", 5}, {"y", 2}});
            }).find("cannot be 10"),
            std::string::npos);
}

TEST(Rearrange, InverseLeadsBack) {
  const Shape shape{5, 2, 3, 4};
  const Rearrange there("y x c D -> D c y x");
  std::vector<float> back(120);
  const std::vector<float> moved = applied(there, shape);
  there.inverse().apply(std::as_bytes(std::span(moved)), there.result(shape), back);
  EXPECT_EQ(back, counted(120));
}

TEST(Rearrange, NothingIsAnIdentity) {
  EXPECT_TRUE(Rearrange("").is_identity());
  EXPECT_EQ(applied(Rearrange("a b -> a b"), {2, 2}), counted(4));
}

TEST(Rearrange, RefusesWhatIsNone) {
  for (const char* wrong : {"a b", "a b -> a", "a a -> a a", "(a b -> a b", "a) -> a", "a, b -> b a"})
    EXPECT_NE(test::error_of([&] { Rearrange(wrong, "r.toml: rule 'x'"); }).find("r.toml: rule 'x'"), std::string::npos)
        << wrong;
  EXPECT_NE(test::error_of([] { Rearrange("a b -> b a").result({2, 3, 4}); }).find("3 axes"), std::string::npos);
}

}  // namespace
}  // namespace tessera::weights
