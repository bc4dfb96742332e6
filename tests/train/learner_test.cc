#include "tessera/train/learner.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "tessera/core/random.h"
#include "tests/train/tiny_classifier.h"

namespace tessera::train {
namespace {

using test::TinyClassifier;

data::Batch random_batch(int64_t B, int64_t t, bool soft = false) {
  data::Batch batch;
  batch.images = Tensor::empty({B, 8, 8, 3});
  batch.labels = Tensor::empty({B}, DType::i64);
  Random random(5, "learner test", static_cast<uint64_t>(t));
  for (float& v : batch.images.span()) v = static_cast<float>(random.normal());
  for (int64_t& label : batch.labels.span<int64_t>()) label = static_cast<int64_t>(random.below(4));
  if (soft) {
    batch.targets = Tensor::zeros({B, 4});
    for (int64_t b = 0; b < B; ++b) {
      batch.targets.data()[4 * b + batch.labels.data<int64_t>()[b]] += 0.7f;
      batch.targets.data()[4 * b + (b & 3)] += 0.3f;
    }
  }
  return batch;
}

double largest_difference(const Tensor& a, const Tensor& b) {
  double largest = 0;
  for (int64_t i = 0; i < a.numel(); ++i) largest = std::max<double>(largest, std::abs(a.data()[i] - b.data()[i]));
  return largest;
}

// With dropout on: what is dropped belongs to the place in the whole batch. SGD, since Adam's first steps are signs.
TEST(Learner, AccumulationEqualsTheLargeBatch) {
  for (const bool soft : {false, true}) {
    for (const bool weighted : {false, true}) {
      TrainOptions options;
      options.optimizer = "sgd";
      options.label_smoothing = 0.1;
      const Tensor weights = weighted ? Tensor::from({4}, std::vector<float>{0.5f, 1, 2, 4}) : Tensor();
      TinyClassifier whole_model, parts_model, dry_model({.dropout = 0});
      Learner whole(whole_model, options, weights), dry(dry_model, options, weights);
      options.accumulate = 3;
      Learner parts(parts_model, options, weights);
      for (int64_t t = 0; t < 4; ++t) {
        const data::Batch batch = random_batch(32, t, soft);  // parts of 10, 11 and 11
        const auto a = whole.learn(batch, t, 0.5), b = parts.learn(batch, t, 0.5), c = dry.learn(batch, t, 0.5);
        EXPECT_NEAR(a.loss, b.loss, 1e-6);
        EXPECT_NEAR(a.gradient_norm, b.gradient_norm, 1e-6);
        EXPECT_NE(a.loss, c.loss);  // dropout was on
      }
      EXPECT_LT(largest_difference(whole.parameters().values(), parts.parameters().values()), 1e-6);
    }
  }
}

TEST(Learner, LearnsAndTheAverageFollows) {
  TrainOptions options;
  options.ema = 0.9;
  TinyClassifier model;
  Learner learner(model, options);
  const data::Batch batch = random_batch(16, 0);
  const double first = learner.learn(batch, 0, 0.01).loss;
  EXPECT_EQ(largest_difference(learner.average(), learner.parameters().values()), 0);
  double last = 0;
  for (int64_t t = 1; t < 60; ++t) last = learner.learn(batch, t, 0.01).loss;
  EXPECT_LT(last, 0.2 * first);
  const Tensor values = learner.parameters().values().clone();
  EXPECT_GT(largest_difference(learner.average(), values), 0);
  {
    const WithAverage with(learner);
    EXPECT_EQ(largest_difference(learner.average(), learner.parameters().values()), 0);
  }
  EXPECT_EQ(largest_difference(values, learner.parameters().values()), 0);
}

TEST(Learner, FrozenParametersStayAsTheyAre) {
  TrainOptions options;
  options.freeze = {"embed"};
  TinyClassifier model;
  std::vector<Tensor> before;
  for (const auto& parameter : model.parameters()) before.push_back(parameter.tensor->clone());
  Learner learner(model, options);
  for (int64_t t = 0; t < 3; ++t) learner.learn(random_batch(16, t), t, 0.01);
  const auto parameters = model.parameters();
  for (size_t i = 0; i < before.size(); ++i) {
    const bool frozen = parameters[i].name.starts_with("embed");
    EXPECT_EQ(largest_difference(before[i], *parameters[i].tensor) == 0, frozen) << parameters[i].name;
  }
}

TEST(Learner, ChangesNothingWhereTheLossIsNotFinite) {
  TinyClassifier model;
  TrainOptions options;
  options.ema = 0.9;
  Learner learner(model, options);
  learner.learn(random_batch(16, 0), 0, 0.01);
  const Tensor values = learner.parameters().values().clone(), average = learner.average().clone();
  data::Batch batch = random_batch(16, 1);
  batch.images.data()[100] = NAN;
  EXPECT_FALSE(learner.learn(batch, 1, 0.01).finite);
  EXPECT_EQ(std::memcmp(values.raw(), learner.parameters().values().raw(), values.bytes()), 0);
  EXPECT_EQ(std::memcmp(average.raw(), learner.average().raw(), values.bytes()), 0);
  EXPECT_EQ(learner.optimizer().steps(), 1);
  EXPECT_TRUE(learner.learn(random_batch(16, 1), 1, 0.01).finite);
}

}  // namespace
}  // namespace tessera::train
