#include "tessera/train/trainer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "tessera/core/file.h"
#include "tessera/formats/safetensors.h"
#include "tessera/kernels/matmul.h"
#include "tessera/models/registry.h"
#include "tessera/ops/training.h"
#include "tessera/train/checkpoint.h"
#include "tests/support.h"
#include "tests/train/attempt.h"

namespace tessera::train {
namespace {

class Trainer : public testing::Test {
 protected:
  test::TemporaryFolder folder;
};

TEST_F(Trainer, TrainsSelectsTestsOnceAndSaves) {
  Attempt attempt(folder / "run");
  const RunSummary summary = attempt.run(quick_options());
  const Witness& w = attempt.witness;
  EXPECT_EQ(summary.ending, Ending::finished);
  EXPECT_EQ(w.started.training_pictures, 176);  // of 180: the last incomplete batch of an epoch is left out
  EXPECT_EQ(w.started.steps_per_epoch, 11);
  EXPECT_EQ(w.started.total_steps, 44);
  ASSERT_EQ(w.steps.size(), 44u);
  EXPECT_EQ(summary.step, 44);
  EXPECT_LT(w.steps.back().loss, w.steps.front().loss);
  EXPECT_EQ(w.steps[10].epoch, 0);
  EXPECT_EQ(w.steps[11].epoch, 1);
  EXPECT_LT(w.steps.back().learning_rate, 1e-4);
  ASSERT_EQ(w.evaluations.size(), 6u);  // four validations, and the test with the last and the averaged weights
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(w.evaluations[i].split, "val");
    EXPECT_TRUE(w.evaluations[i].ema);
    EXPECT_EQ(w.evaluations[i].step, 11 * static_cast<int64_t>(i + 1));
  }
  EXPECT_EQ(w.evaluations[4].split, "test");
  EXPECT_FALSE(w.evaluations[4].ema);
  EXPECT_TRUE(w.evaluations[5].ema);
  EXPECT_GT(w.evaluations[5].top1, 0.9);
  EXPECT_EQ(w.decisions, (std::vector<std::pair<int64_t, std::string>>{{0, "44"}}));

  const auto file = formats::read_safetensors(summary.model_file);
  EXPECT_EQ(file.arrays.size(), 4u);
  const auto parameters = attempt.model.parameters();  // the averaged weights
  for (const auto& parameter : parameters) {
    const auto saved = formats::to_f32(formats::at(file.arrays, parameter.name));
    EXPECT_EQ(std::memcmp(saved.data(), parameter.tensor->raw(), parameter.tensor->bytes()), 0) << parameter.name;
  }
  const std::string header = bytes_of(summary.model_file);
  EXPECT_EQ(header.find(folder.path().string()), std::string::npos);  // no paths
  const auto record = nlohmann::json::parse(read_text(folder / "run" / "run.json"));
  EXPECT_EQ(record["ending"], "finished");
  EXPECT_EQ(record["scores"].size(), 3u);
}

// Interrupted after some steps again and again, a run ends at the same bits as one that was never stopped.
TEST_F(Trainer, ResumesToTheSameBits) {
  Attempt whole(folder / "whole");
  whole.run(quick_options());
  for (const int64_t pause : {1, 5, 11, 13}) {  // 11: the end of an epoch
    const auto run = folder / ("resumed" + std::to_string(pause));
    int64_t starts = 0;
    for (Ending ending = Ending::interrupted; ending == Ending::interrupted; ++starts) {
      ASSERT_LT(starts, 60);
      Attempt attempt(run);
      attempt.model.initialise(static_cast<uint64_t>(100 + starts));
      if (starts == 0) attempt.model.initialise(3);
      attempt.job.resume = true;
      TrainOptions options = quick_options();
      options.loader_threads = 1 + starts % 3;  // does not matter
      int64_t done = 0;
      attempt.witness.after_step = [&](int64_t) { attempt.stop = ++done == pause; };
      ending = attempt.run(options).ending;
    }
    EXPECT_EQ(starts, 44 / pause + (44 % pause ? 1 : 1)) << pause;
    EXPECT_EQ(bytes_of(run / "model.safetensors"), bytes_of(folder / "whole" / "model.safetensors")) << pause;
    EXPECT_EQ(bytes_of(run / "best.safetensors"), bytes_of(folder / "whole" / "best.safetensors")) << pause;
  }
}

// What is frozen is no part of the optimiser's state, and yet of the run's.
TEST_F(Trainer, ResumesToTheSameBitsWithFrozenParameters) {
  for (const char* tune : {"head", "norm_bias"}) {
    TrainOptions options = quick_options();
    options.tune = tune;
    Attempt whole(folder / (std::string("whole ") + tune));
    whole.run(options);
    const auto run = folder / (std::string("resumed ") + tune);
    for (Ending ending = Ending::interrupted; ending == Ending::interrupted;) {
      Attempt attempt(run);
      attempt.model.initialise(exists(run) ? 100 : 3);
      attempt.job.resume = true;
      int64_t done = 0;
      attempt.witness.after_step = [&](int64_t) { attempt.stop = ++done == 13; };
      ending = attempt.run(options).ending;
    }
    EXPECT_EQ(bytes_of(run / "model.safetensors"), bytes_of(whole.job.folder / "model.safetensors")) << tune;
    const auto file = formats::read_safetensors(run / "checkpoint.safetensors");
    EXPECT_EQ(formats::find(file.arrays, "first_moment/embed.weight"), nullptr);
    EXPECT_NE(formats::find(file.arrays, "model/embed.weight"), nullptr);
  }
}

// Running statistics, their average, and the momentum of Muon's matrices are parts of the state, too.
TEST_F(Trainer, ResumesToTheSameBitsWithStatisticsAndMuon) {
  TrainOptions options = quick_options();
  options.optimizer = "muon";
  const auto network = [](uint64_t seed) {
    auto model = models::build(R"({"family": "network", "img_size": 8, "num_classes": 4,
                                   "layers": ["conv 8 3x3, bn, relu", "global_pool", "linear classes"]})");
    model->initialise(seed);
    return model;
  };
  const auto train_on = [&](const std::filesystem::path& run, uint64_t seed, int64_t pause) {
    const auto model = network(seed);
    Attempt attempt(run);
    attempt.job.model = model.get();
    attempt.job.resume = true;
    int64_t done = 0;
    attempt.witness.after_step = [&](int64_t) { attempt.stop = ++done == pause; };
    return attempt.run(options).ending;
  };
  ASSERT_EQ(train_on(folder / "whole", 3, 0), Ending::finished);
  uint64_t seed = 3;
  while (train_on(folder / "resumed", seed, 13) == Ending::interrupted) ++seed;
  EXPECT_EQ(seed, 6u);
  EXPECT_EQ(bytes_of(folder / "resumed" / "model.safetensors"), bytes_of(folder / "whole" / "model.safetensors"));
}

TEST_F(Trainer, TheMachineIsAskedOnceWhichPrecisionIsFaster) {
  TrainOptions options = quick_options();
  options.precision = "auto";
  Attempt first(folder / "asked");
  first.witness.after_step = [&](int64_t step) { first.stop = step == 9; };
  EXPECT_EQ(first.run(options).ending, Ending::interrupted);
  const std::string answer = stored_option(folder / "asked" / "checkpoint.safetensors", "precision");
  EXPECT_EQ(answer, ops::name_of(ops::precision_named("auto")));
  const bool told =
      std::count(first.witness.decisions.begin(), first.witness.decisions.end(), std::pair{int64_t{0}, answer}) > 0;
  EXPECT_EQ(told, answer != "f32");

  Attempt second(folder / "asked");
  second.job.resume = true;
  EXPECT_EQ(second.run(options).ending, Ending::finished);
  Attempt whole(folder / "whole");
  options.precision = answer;
  whole.run(options);
  EXPECT_EQ(bytes_of(folder / "asked" / "model.safetensors"), bytes_of(folder / "whole" / "model.safetensors"));
}

TEST_F(Trainer, LearnsInBf16) {
  if (!kernels::has_bf16_products()) GTEST_SKIP() << "no AVX512_BF16 on this machine";
  TrainOptions options = quick_options();
  Attempt exact(folder / "f32"), narrow(folder / "bf16");
  exact.run(options);
  options.precision = "bf16";
  narrow.run(options);
  EXPECT_NE(bytes_of(folder / "f32" / "model.safetensors"), bytes_of(folder / "bf16" / "model.safetensors"));
  EXPECT_NEAR(exact.witness.steps.back().loss, narrow.witness.steps.back().loss, 0.05);
}

// As after kill -9: everything since the last checkpoint is lost.
TEST_F(Trainer, ResumesFromAnOlderCheckpoint) {
  Attempt whole(folder / "whole");
  whole.run(quick_options());
  for (const int64_t killed_at : {3, 9, 11, 22, 30, 43}) {
    const auto run = folder / ("killed" + std::to_string(killed_at));
    struct Killed {};
    {
      Attempt attempt(run);
      attempt.witness.after_step = [&](int64_t step) {
        if (step == killed_at) throw Killed();
      };
      EXPECT_THROW(attempt.run(quick_options()), Killed);
    }
    Attempt attempt(run);
    attempt.job.resume = true;
    if (exists(run / "checkpoint.safetensors")) attempt.model.initialise(55);
    EXPECT_EQ(attempt.run(quick_options()).ending, Ending::finished);
    EXPECT_EQ(attempt.witness.started.resumed_step, killed_at < 7 ? 0 : attempt.witness.steps.front().step - 1);
    EXPECT_EQ(bytes_of(run / "model.safetensors"), bytes_of(folder / "whole" / "model.safetensors")) << killed_at;
    EXPECT_EQ(bytes_of(run / "best.safetensors"), bytes_of(folder / "whole" / "best.safetensors")) << killed_at;
  }
}

TEST_F(Trainer, InterruptedInAValidationItValidatesAgain) {
  Attempt whole(folder / "whole");
  whole.run(quick_options());
  {
    Attempt attempt(folder / "run");
    attempt.witness.after_step = [&](int64_t step) { attempt.stop = step == 22; };
    EXPECT_EQ(attempt.run(quick_options()).ending, Ending::interrupted);
    EXPECT_EQ(attempt.witness.evaluations.size(), 1u);  // the one of step 22 was given up
  }
  Attempt attempt(folder / "run");
  attempt.job.resume = true;
  attempt.run(quick_options());
  EXPECT_EQ(attempt.witness.evaluations.front().step, 22);
  EXPECT_EQ(bytes_of(folder / "run" / "best.safetensors"), bytes_of(folder / "whole" / "best.safetensors"));
}

TEST_F(Trainer, ResumeOfAFinishedRunDoesNothing) {
  Attempt first(folder / "run");
  first.run(quick_options());
  const std::string before = bytes_of(folder / "run" / "model.safetensors");
  const std::string checkpoint = bytes_of(folder / "run" / "checkpoint.safetensors");
  Attempt again(folder / "run");
  again.job.resume = true;
  again.model.initialise(77);
  const RunSummary summary = again.run(quick_options());
  EXPECT_EQ(summary.ending, Ending::finished);
  EXPECT_EQ(summary.model_file, folder / "run" / "model.safetensors");
  EXPECT_TRUE(again.witness.steps.empty());
  EXPECT_TRUE(again.witness.evaluations.empty());  // the test part is not read again
  EXPECT_EQ(bytes_of(folder / "run" / "model.safetensors"), before);
  EXPECT_EQ(bytes_of(folder / "run" / "checkpoint.safetensors"), checkpoint);
  const Tensor ours = *again.model.parameters()[0].tensor, theirs = *first.model.parameters()[0].tensor;
  EXPECT_EQ(std::memcmp(ours.raw(), theirs.raw(), ours.bytes()), 0);
}

TEST_F(Trainer, AFolderWithARunIsNotOverwritten) {
  Attempt first(folder / "run");
  first.run(quick_options());
  const std::string before = bytes_of(folder / "run" / "model.safetensors");
  Attempt other(folder / "run");
  EXPECT_THROW(other.run(quick_options()), UsageError);
  other.job.resume = true;
  TrainOptions options = quick_options();
  options.lr = 0.02;
  EXPECT_NE(message_of([&] { other.run(options); }).find("lr is 0.01 there and 0.02 here"), std::string::npos);
  EXPECT_EQ(bytes_of(folder / "run" / "model.safetensors"), before);
}

// A clock that stands still but for the steps, so that a budget can be watched.
TEST_F(Trainer, ABudgetEndsOnTimeAndItsScheduleIsReplayed) {
  TrainOptions options = quick_options();
  options.epochs = 0;
  options.minutes = 0.5;
  double clock = 1000;
  Attempt budgeted(folder / "budgeted");
  budgeted.job.seconds = [&] { return clock; };
  budgeted.witness.after_step = [&](int64_t step) { clock += step < 60 ? 0.2 : 0.1; };
  budgeted.witness.after_eval = [&](const EvalInfo&) { clock += 0.05; };
  const RunSummary summary = budgeted.run(options);
  EXPECT_EQ(summary.ending, Ending::finished);
  EXPECT_LE(clock, 1030.5);
  EXPECT_GE(clock, 1028);
  EXPECT_GE(budgeted.witness.decisions.size(), 3u);
  EXPECT_EQ(budgeted.witness.decisions.front().first, 3);  // 0.6 s are 2 % of the budget
  EXPECT_EQ(budgeted.witness.started.total_steps, 0);
  EXPECT_LT(budgeted.witness.steps.back().learning_rate, 0.01 * 1e-2);

  options.minutes = 0;
  Attempt replay(folder / "replay");
  replay.job.schedule_from = folder / "budgeted";
  EXPECT_EQ(replay.run(options).step, summary.step);
  const auto ours = replay.model.parameters(), theirs = budgeted.model.parameters();
  for (size_t i = 0; i < ours.size(); ++i)
    EXPECT_EQ(std::memcmp(ours[i].tensor->raw(), theirs[i].tensor->raw(), ours[i].tensor->bytes()), 0);
  EXPECT_EQ(replay.witness.decisions, budgeted.witness.decisions);
}

// A test that takes most of a budget is foreseen, though no evaluation was measured before the length is decided.
TEST_F(Trainer, ABudgetLeavesRoomForALongTest) {
  double clock = 1000;
  struct Slow final : test::TinyClassifier {
    explicit Slow(double& time) : clock(time) {}
    Tensor forward_features(const Tensor& images) override {
      if (!ops::current_training()) clock += 0.125 * static_cast<double>(images.size(0));
      return TinyClassifier::forward_features(images);
    }
    double& clock;
  } slow(clock);
  TrainOptions options = quick_options();
  options.epochs = 0;
  options.minutes = 0.5;
  options.val_fraction = 0;
  options.ema = 0;
  Attempt attempt(folder / "run");
  attempt.job.model = &slow;
  attempt.job.seconds = [&] { return clock; };
  attempt.witness.after_step = [&](int64_t) { clock += 0.2; };
  EXPECT_EQ(attempt.run(options).ending, Ending::finished);  // the test: 50 pictures, 6.25 s
  EXPECT_LE(clock, 1030.5);
  EXPECT_GE(clock, 1027);
}

TEST_F(Trainer, TimeWhileStoppedDoesNotCount) {
  TrainOptions options = quick_options();
  options.epochs = 0;
  options.minutes = 0.25;
  double clock = 0;
  int64_t steps = 0;
  RunSummary summary;
  for (int64_t pause : {2, 10, 1000}) {  // the first stop comes before the first decision
    Attempt attempt(folder / "run");
    attempt.job.resume = true;
    attempt.job.seconds = [&] { return clock; };
    int64_t done = 0;
    attempt.witness.after_step = [&](int64_t) {
      clock += 0.1;
      ++steps;
      attempt.stop = ++done == pause;
    };
    summary = attempt.run(options);
    clock += 3600;
  }
  EXPECT_EQ(summary.ending, Ending::finished);
  EXPECT_EQ(summary.step, steps);
  EXPECT_NEAR(static_cast<double>(steps) * 0.1, 15, 0.7);
  EXPECT_NEAR(summary.seconds_trained, 15, 0.7);
}

TEST_F(Trainer, ALossThatIsNotFiniteStopsAndKeepsTheCheckpoint) {
  TrainOptions options = quick_options();
  Attempt attempt(folder / "run");
  std::string checkpoint;
  attempt.witness.after_step = [&](int64_t step) {
    if (step != 9) return;
    checkpoint = bytes_of(folder / "run" / "checkpoint.safetensors");
    attempt.model.parameters()[0].tensor->data()[0] = NAN;
  };
  const std::string message = message_of([&] { attempt.run(options); });
  EXPECT_NE(message.find("the loss became NaN at step 10"), std::string::npos) << message;
  EXPECT_NE(message.find("keeps step 7"), std::string::npos) << message;
  EXPECT_EQ(attempt.witness.endings, std::vector<Ending>{Ending::failed});
  EXPECT_EQ(bytes_of(folder / "run" / "checkpoint.safetensors"), checkpoint);
  EXPECT_FALSE(exists(folder / "run" / "model.safetensors"));
}

TEST_F(Trainer, StopsEarlyWithoutProgress) {
  TrainOptions options = quick_options();
  options.lr = 1e-12;  // nothing is learned
  options.epochs = 30;
  options.ema = 0;
  options.patience = 3;
  options.augmentation = {};
  options.schedule = "constant";
  options.warmup = 0;
  Attempt attempt(folder / "run");
  const RunSummary summary = attempt.run(options);
  EXPECT_EQ(summary.ending, Ending::stopped_early);
  EXPECT_LT(summary.step, 30 * 11);
  EXPECT_TRUE(exists(summary.model_file));
  EXPECT_EQ(attempt.witness.evaluations.back().split, "test");
  Attempt again(folder / "run");
  again.job.resume = true;
  EXPECT_EQ(again.run(options).ending, Ending::stopped_early);
  EXPECT_TRUE(again.witness.steps.empty());

  options.val_fraction = 0;
  Attempt blind(folder / "blind");
  EXPECT_THROW(blind.run(options), UsageError);
}

TEST_F(Trainer, WithoutAValidationPartItTrainsOnEverything) {
  TrainOptions options = quick_options();
  options.val_fraction = 0;
  options.epochs = 1;
  options.ema = 0;
  Attempt attempt(folder / "run");
  attempt.run(options);
  EXPECT_EQ(attempt.witness.started.training_pictures, 192);
  ASSERT_EQ(attempt.witness.evaluations.size(), 1u);
  EXPECT_EQ(attempt.witness.evaluations[0].split, "test");
  EXPECT_FALSE(exists(folder / "run" / "best.safetensors"));
}

TEST_F(Trainer, JobsThatCannotBeAreErrors) {
  test::TinyClassifier five({.classes = 5});
  Attempt attempt(folder / "run");
  attempt.job.model = &five;
  EXPECT_NE(message_of([&] { attempt.run(quick_options()); }).find("the data has 4 classes, but the model tells 5"),
            std::string::npos);
  attempt.job.model = &attempt.model;
  attempt.job.preprocess.height = 9;
  EXPECT_NE(message_of([&] { attempt.run(quick_options()); }).find("8 x 8 x 3"), std::string::npos);
  TrainOptions nonsense = quick_options();
  nonsense.lr = NAN;
  EXPECT_THROW(attempt.run(nonsense), UsageError);
  attempt.job.preprocess.height = 8;
  TrainOptions phases = quick_options();
  phases.loss = "complex_cross_entropy";
  EXPECT_NE(message_of([&] { attempt.run(phases); }).find("reads complex outputs"), std::string::npos);
  EXPECT_FALSE(exists(folder / "run"));
}

}  // namespace
}  // namespace tessera::train
