// The vector functions that kernels share, on every SIMD target.
#include "tessera/kernels/cpu/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tests/kernels/vectors_test.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "tessera/kernels/cpu/math-inl.h"
#include "tessera/kernels/cpu/random-inl.h"

HWY_BEFORE_NAMESPACE();
namespace tessera::kernels::HWY_NAMESPACE {

void ExpOf(const float* x, int64_t n, float* y) {
  StoreOver(n, y, false, [&](auto load) { return Exp(load(x)); });
}

void WordsOf(uint64_t key, uint64_t step, uint64_t sample, uint64_t first_block, int64_t n, uint32_t* words) {
  FillWords(key, step, sample, first_block, n, words);
}

// n a multiple of the lanes
void KeptOf(const uint32_t* words, int64_t n, float p, float* kept) {
  const F f;
  for (int64_t i = 0; i < n; i += LaneCount())
    hn::StoreU(hn::IfThenElseZero(KeptBy(words + i, p), hn::Set(f, 1.0f)), f, kept + i);
}

}  // namespace tessera::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace tessera::kernels {

HWY_EXPORT(ExpOf);
HWY_EXPORT(WordsOf);
HWY_EXPORT(KeptOf);

namespace {

class Vectors : public testing::TestWithParam<int64_t> {
 protected:
  void SetUp() override { set_simd_target(GetParam()); }
  void TearDown() override { set_simd_target(0); }
};

TEST_P(Vectors, ExpIsWithinOneUlp) {
  std::vector<float> x;
  for (float v = -87.3f; v < 88.7f; v += 0.00037f) x.push_back(v);
  for (float v = 1e-30f; v < 1; v *= 1.01f) x.insert(x.end(), {v, -v});
  std::vector<float> y(x.size());
  HWY_DYNAMIC_DISPATCH(ExpOf)(x.data(), static_cast<int64_t>(x.size()), y.data());
  double worst = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    const double exact = std::exp(static_cast<double>(x[i]));
    const float near = static_cast<float>(exact);
    const double ulp = static_cast<double>(std::nextafter(near, INFINITY)) - near;
    worst = std::max(worst, std::abs(y[i] - exact) / ulp);
  }
  EXPECT_LT(worst, 1.0);
}

TEST_P(Vectors, ExpOfWhatIsNoOrdinaryNumber) {
  const float inf = std::numeric_limits<float>::infinity();
  const std::vector<float> x = {0, -0.0f, -inf, inf, -1e30f, 1e30f, -88, 89, std::nanf(""), -87.33654f, 88.72283f};
  std::vector<float> y(x.size());
  HWY_DYNAMIC_DISPATCH(ExpOf)(x.data(), static_cast<int64_t>(x.size()), y.data());
  const std::vector<float> expected = {1, 1, 0, inf, 0, inf, 0, inf};
  for (size_t i = 0; i < expected.size(); ++i) EXPECT_EQ(y[i], expected[i]) << x[i];
  EXPECT_TRUE(std::isnan(y[8]));
  EXPECT_NEAR(y[9] / 1.17549435e-38f, 1, 1e-5);
  EXPECT_NEAR(y[10] / 3.40279e38f, 1, 1e-4);
}

TEST_P(Vectors, WordsAreThoseOfTheScalarFunction) {
  const uint64_t key = 0x123456789abcdef0, step = (uint64_t{1} << 40) + 3, sample = (uint64_t{9} << 32) + 8;
  const uint64_t first = 0xfffffff0;  // close to the last block
  std::vector<uint32_t> words(64);
  HWY_DYNAMIC_DISPATCH(WordsOf)(key, step, sample, first, 61, words.data());
  for (size_t k = 0; k < 61; ++k) EXPECT_EQ(words[k], random_words(key, step, sample, first + k / 4)[k % 4]) << k;
}

TEST_P(Vectors, DropoutKeepsWhatTheScalarRuleKeeps) {
  std::vector<uint32_t> words(16);
  std::vector<float> kept(16);
  for (float p : {0.1f, 0.25f, 0.9f}) {
    const auto limit = static_cast<uint32_t>(p * 0x1p24f);  // words about the limit, and the two ends
    for (uint32_t i = 0; i < 16; ++i) words[i] = ((limit - 7 + i) << 8) + i;
    words[14] = 0;
    words[15] = 0xffffffff;
    HWY_DYNAMIC_DISPATCH(KeptOf)(words.data(), 16, p, kept.data());
    for (size_t i = 0; i < 16; ++i) EXPECT_EQ(kept[i], uniform_from(words[i]) >= p ? 1.0f : 0.0f) << p << " " << i;
  }
}

std::string target_name(const testing::TestParamInfo<int64_t>& info) { return simd_target_name(info.param); }
INSTANTIATE_TEST_SUITE_P(Targets, Vectors, testing::ValuesIn(simd_targets()), target_name);

}  // namespace
}  // namespace tessera::kernels
#endif  // HWY_ONCE
