#include "tessera/train/options.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tessera/core/error.h"

namespace tessera::train {
namespace {

TEST(TrainOptions, DefaultsPassAndEveryOptionIsAFlag) {
  TrainOptions options;
  EXPECT_NO_THROW(check(options));
  Options declared;
  options.visit(declared);
  declared.parse({"--lr", "0.1", "--freeze", "patch_embed", "--flip", "0.5", "--mixup", "0.8", "--epochs=3"});
  EXPECT_EQ(options.lr, 0.1);
  EXPECT_EQ(options.augmentation.flip, 0.5);
  EXPECT_EQ(options.epochs, 3);
  EXPECT_NO_THROW(check(options));
}

TEST(TrainOptions, ImpossibleValuesAreUsageErrors) {
  const auto refused = [](auto change) {
    TrainOptions options;
    change(options);
    EXPECT_THROW(check(options), UsageError);
  };
  refused([](TrainOptions& o) { o.lr = NAN; });
  refused([](TrainOptions& o) { o.lr = INFINITY; });
  refused([](TrainOptions& o) { o.lr = -1; });
  refused([](TrainOptions& o) { o.batch = 0; });
  refused([](TrainOptions& o) { o.epochs = 3, o.minutes = 1; });
  refused([](TrainOptions& o) { o.batch = 4, o.accumulate = 5; });
  refused([](TrainOptions& o) { o.optimizer = "adamx"; });
  refused([](TrainOptions& o) { o.min_lr = 1; });
  refused([](TrainOptions& o) { o.one_cycle = {.rise = 0.6, .three_phase = true}; });
  refused([](TrainOptions& o) { o.class_weights = true, o.mixing.mixup = 0.2; });
  refused([](TrainOptions& o) { o.class_weights = true, o.loss = "bce"; });
  for (const char* text : {"", "some", "head:1", "blocks", "blocks:", "blocks:0", "blocks:-1", "blocks:2x"})
    refused([&](TrainOptions& o) { o.tune = text; });
  for (const char* text : {"", "s", "12m", "-3", "1.5"}) refused([&](TrainOptions& o) { o.checkpoint_every = text; });
}

TEST(TrainOptions, CheckpointsAfterStepsOrSeconds) {
  TrainOptions options;
  EXPECT_EQ(checkpoint_every(options).seconds, 60);
  options.checkpoint_every = "200";
  EXPECT_EQ(checkpoint_every(options).steps, 200);
  EXPECT_EQ(checkpoint_every(options).seconds, 0);
}

TEST(TrainOptions, SharesOfTheRunBecomeSteps) {
  TrainOptions options;
  options.warmup = 0.1;
  options.milestones = {0.5, 90};
  const Schedule schedule = schedule_options(options, 200);
  EXPECT_EQ(schedule.warmup, 20);
  EXPECT_EQ(schedule.total, 200);
  EXPECT_EQ(schedule.milestones, (std::vector<int64_t>{100, 90}));
}

}  // namespace
}  // namespace tessera::train
