#include "tessera/train/checkpoint.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "tessera/core/file.h"
#include "tessera/core/random.h"
#include "tests/support.h"
#include "tests/train/tiny_classifier.h"

namespace tessera::train {
namespace {

using test::TinyClassifier;

TrainOptions some_options() {
  TrainOptions options;
  options.ema = 0.9;
  options.freeze = {"embed.bias"};
  return options;
}

RunIdentity identity_of(const TinyClassifier& model) {
  return {model.architecture(), R"({"lr": 0.001, "batch": 16})", R"({"training_pictures": 100})"};
}

data::Batch random_batch(int64_t t) {
  data::Batch batch;
  batch.images = Tensor::empty({16, 8, 8, 3});
  batch.labels = Tensor::empty({16}, DType::i64);
  Random random(5, "checkpoint test", static_cast<uint64_t>(t));
  for (float& v : batch.images.span()) v = static_cast<float>(random.normal());
  for (int64_t& label : batch.labels.span<int64_t>()) label = static_cast<int64_t>(random.below(4));
  return batch;
}

RunState some_state() {
  RunState state;
  state.step = 3;
  state.seconds = 1.25;
  state.plan = Plan({{1, 40}, {2, 30}});
  state.pace = {0.1, 0.05, 0.2, 3};
  state.last = Validation{3, 0.5, 0.2};
  state.best = Validation{2, 0.75, 0.1};
  state.without_progress = 1;
  return state;
}

std::string message_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const Error& e) {
    return e.what();
  }
  return "no error";
}

class Checkpoint : public testing::Test {
 protected:
  void SetUp() override {
    for (int64_t t = 0; t < 3; ++t) learner.learn(random_batch(t), t, 0.01);
    save_checkpoint(path, identity_of(model), some_state(), learner);
  }
  test::TemporaryFolder folder;
  std::filesystem::path path = folder / "checkpoint.safetensors";
  TinyClassifier model;
  Learner learner{model, some_options()};
};

TEST_F(Checkpoint, GoesOnToTheSameBits) {
  TinyClassifier other;
  other.initialise(99);
  Learner again(other, some_options());
  const RunState state = load_checkpoint(path, identity_of(other), again);
  EXPECT_EQ(state.step, 3);
  EXPECT_EQ(state.seconds, 1.25);
  EXPECT_EQ(state.plan.decisions(), some_state().plan.decisions());
  EXPECT_EQ(state.pace.evaluation, 0.2);
  EXPECT_EQ(state.last, some_state().last);
  EXPECT_EQ(state.best, some_state().best);
  EXPECT_EQ(state.without_progress, 1);
  EXPECT_FALSE(state.finished);
  for (int64_t t = 3; t < 6; ++t) {
    learner.learn(random_batch(t), t, 0.01);
    again.learn(random_batch(t), t, 0.01);
  }
  const auto ours = other.parameters(), theirs = model.parameters();
  for (size_t i = 0; i < ours.size(); ++i)
    EXPECT_EQ(std::memcmp(ours[i].tensor->raw(), theirs[i].tensor->raw(), ours[i].tensor->bytes()), 0) << ours[i].name;
  EXPECT_EQ(std::memcmp(again.average().raw(), learner.average().raw(), again.average().bytes()), 0);
}

TEST_F(Checkpoint, SaysWhatDiffers) {
  TinyClassifier wider({.width = 24});
  Learner other(wider, some_options());
  const Tensor before = other.parameters().values().clone();
  EXPECT_NE(message_of([&] {
              load_checkpoint(path, identity_of(wider), other);
            }).find("a checkpoint of another model: width is 16 there and 24 here"),
            std::string::npos);
  EXPECT_EQ(std::memcmp(before.raw(), other.parameters().values().raw(), before.bytes()), 0);

  RunIdentity identity = identity_of(model);
  identity.options = R"({"lr": 0.002, "batch": 16})";
  EXPECT_NE(message_of([&] { load_checkpoint(path, identity, learner); }).find("lr is 0.001 there and 0.002 here"),
            std::string::npos);
  identity = identity_of(model);
  identity.data = R"({"training_pictures": 101})";
  EXPECT_NE(message_of([&] { load_checkpoint(path, identity, learner); }).find("other data: training_pictures is 100"),
            std::string::npos);
}

TEST_F(Checkpoint, TruncatedAnywhereIsAnErrorThatNamesTheFile) {
  const std::string whole = read_text(path);
  for (size_t size : {size_t{0}, size_t{4}, size_t{100}, whole.size() / 2, whole.size() - 1}) {
    write_atomically(path, std::string_view(whole).substr(0, size));
    const std::string message = message_of([&] { load_checkpoint(path, identity_of(model), learner); });
    EXPECT_NE(message.find(path.string()), std::string::npos) << message;
    EXPECT_EQ(message.find('\n'), std::string::npos);
  }
}

TEST_F(Checkpoint, WeightsThatAreNotFiniteAreNotSaved) {
  const std::string before = read_text(path);
  learner.parameters().values().data()[0] = NAN;
  EXPECT_NE(message_of([&] { save_checkpoint(path, identity_of(model), some_state(), learner); }).find("step 3"),
            std::string::npos);
  EXPECT_EQ(read_text(path), before);
}

TEST_F(Checkpoint, DecisionsAreReadBack) {
  save_decisions(folder / "decisions.json", some_state().plan);
  EXPECT_EQ(load_decisions(folder / "decisions.json").decisions(), some_state().plan.decisions());
  EXPECT_NE(message_of([&] { load_decisions(path); }).find(path.string()), std::string::npos);
}

}  // namespace
}  // namespace tessera::train
