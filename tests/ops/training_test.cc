#include "tessera/ops/training.h"

#include <gtest/gtest.h>

#include <thread>

namespace tessera::ops {
namespace {

TEST(TrainingState, EndsWithItsScopeAndNests) {
  EXPECT_FALSE(current_training());
  {
    const TrainingState training(Draws{.seed = 1, .step = 2, .first_sample = 3});
    EXPECT_EQ(current_training()->step, 2u);
    {
      const TrainingState evaluation(std::nullopt);
      EXPECT_FALSE(current_training());
    }
    EXPECT_EQ(current_training()->first_sample, 3u);
  }
  EXPECT_FALSE(current_training());
}

TEST(TrainingState, BelongsToItsThread) {
  const TrainingState training(Draws{});
  bool elsewhere = true;
  std::thread([&] { elsewhere = current_training().has_value(); }).join();
  EXPECT_FALSE(elsewhere);
}

}  // namespace
}  // namespace tessera::ops
