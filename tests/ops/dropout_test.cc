#include "tessera/ops/dropout.h"

#include <gtest/gtest.h>

#include "tessera/ops/training.h"

namespace tessera::ops {
namespace {

TEST(Dropout, PartsOfABatchDrawWhatTheWholeDoes) {
  const Tensor x = Tensor::full({6, 5, 7}, 1);
  for (auto* op : {dropout, drop_path}) {
    Tensor whole;
    {
      const TrainingState state(Draws{.seed = 3, .step = 4, .first_sample = 20});
      whole = op(x, 0.5f, "head");
    }
    const TrainingState state(Draws{.seed = 3, .step = 4, .first_sample = 22});
    const Tensor part = op(x.rows(2, 4), 0.5f, "head");
    for (int64_t i = 0; i < part.numel(); ++i) EXPECT_EQ(part.data()[i], whole.rows(2, 4).data()[i]);
  }
}

TEST(Dropout, DropsItsShareAndKeepsTheMean) {
  const TrainingState state(Draws{.seed = 3});
  const Tensor y = dropout(Tensor::full({10, 10000}, 1), 0.3f, "head");
  int64_t dropped = 0;
  double sum = 0;
  for (float v : y.span()) {
    dropped += v == 0;
    sum += v;
  }
  EXPECT_NEAR(static_cast<double>(dropped) / 1e5, 0.3, 0.005);
  EXPECT_NEAR(sum / 1e5, 1, 0.01);
}

TEST(Dropout, DependsOnSeedStepAndPath) {
  const auto drawn = [](uint64_t seed, uint64_t step, const char* path) {
    const TrainingState state(Draws{.seed = seed, .step = step});
    const Tensor y = dropout(Tensor::full({1, 64}, 1), 0.5f, path);
    return std::vector<float>(y.span().begin(), y.span().end());
  };
  const auto base = drawn(1, 2, "a");
  EXPECT_EQ(drawn(1, 2, "a"), base);
  EXPECT_NE(drawn(2, 2, "a"), base);
  EXPECT_NE(drawn(1, 3, "a"), base);
  EXPECT_NE(drawn(1, 2, "b"), base);
}

TEST(Dropout, RefusesAProbabilityOfOne) {
  EXPECT_THROW(dropout(Tensor::full({1}, 1), 1, "a"), Error);
  EXPECT_THROW(drop_path(Tensor::full({1}, 1), -0.1f, "a"), Error);
}

}  // namespace
}  // namespace tessera::ops
