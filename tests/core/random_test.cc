#include "tessera/core/random.h"

#include <gtest/gtest.h>

#include <cmath>

namespace tessera {
namespace {

// Known answers of Random123's kat_vectors for philox4x32-10.
TEST(Philox, GivesThePublishedWords) {
  using Words = std::array<uint32_t, 4>;
  EXPECT_EQ(philox({0, 0, 0, 0}, 0), (Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  const uint32_t ones = 0xffffffff;
  EXPECT_EQ(philox({ones, ones, ones, ones}, 0xffffffffffffffff),
            (Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
}

TEST(Random, IsAPureFunctionOfItsKey) {
  Random a(1, "flip", 2, 3), b(1, "flip", 2, 3);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(a.word(), b.word());
  EXPECT_NE(Random(1, "flip", 2, 3).word(), Random(1, "crop", 2, 3).word());
  EXPECT_NE(Random(1, "flip", 2, 3).word(), Random(1, "flip", 2, 4).word());
  EXPECT_NE(Random(1, "flip", 2, 3).word(), Random(1, "flip", 3, 3).word());
  EXPECT_NE(Random(1, "flip", 2, 3).word(), Random(2, "flip", 2, 3).word());
}

TEST(Random, ItsWordsCanBeComputedInAnyOrder) {
  const uint64_t step = 1ull << 40 | 6, sample = 1ull << 33 | 9;
  Random random(3, step, sample);
  for (uint64_t k = 0; k < 23; ++k) EXPECT_EQ(random.word(), random_words(3, step, sample, k / 4)[k % 4]);
  // Both halves of each number count.
  const auto words = random_words(3, step, sample, 0);
  EXPECT_NE(words, random_words(3, 6, sample, 0));
  EXPECT_NE(words, random_words(3, step, 9, 0));
  EXPECT_NE(words, random_words(3 | 1ull << 63, step, sample, 0));
}

TEST(Random, HasTheMomentsOfItsDistributions) {
  Random random(5, "moments");
  const int n = 100000;
  double sum = 0, squares = 0, uniform = 0;
  std::array<int, 7> counts{};
  for (int i = 0; i < n; ++i) {
    const double z = random.normal();
    sum += z;
    squares += z * z;
    uniform += random.uniform();
    ++counts[random.below(7)];
  }
  EXPECT_NEAR(sum / n, 0, 0.015);
  EXPECT_NEAR(squares / n, 1, 0.025);
  EXPECT_NEAR(uniform / n, 0.5, 0.005);
  for (int count : counts) EXPECT_NEAR(count, n / 7.0, 500);
}

}  // namespace
}  // namespace tessera
