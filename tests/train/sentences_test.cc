// The example's questions (examples/sentences) are learned as a stranger's program learns them, and not from the words
// alone.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "examples/sentences/corpus.h"
#include "tessera/core/parallel.h"
#include "tessera/models/text_encoder.h"
#include "tessera/ops/tape.h"
#include "tessera/train/learner.h"
#include "tessera/train/metrics.h"

namespace tessera::train {
namespace {

TEST(Questions, AreAsManyAsAskedForAndOtherOnesInTheTest) {
  const questions::Corpus corpus = questions::make_corpus(900, 300), again = questions::make_corpus(900, 300);
  EXPECT_EQ(corpus.train.texts, again.train.texts);
  EXPECT_EQ(corpus.test.labels, again.test.labels);
  EXPECT_NE(corpus.train.texts, questions::make_corpus(900, 300, 1).train.texts);
  ASSERT_EQ(corpus.train.size(), 900);
  ASSERT_EQ(corpus.test.size(), 300);
  const std::set<std::string> learned(corpus.train.texts.begin(), corpus.train.texts.end());
  for (const std::string& text : corpus.test.texts) EXPECT_FALSE(learned.count(text)) << text;
  for (size_t label = 0; label < questions::kAnswers.size(); ++label)
    EXPECT_GT(std::count(corpus.train.labels.begin(), corpus.train.labels.end(), static_cast<int64_t>(label)), 100);
}

double accuracy_after(const questions::Corpus& corpus, const models::TextEncoderConfig& base, int64_t epochs) {
  const auto vocabulary = text::Vocabulary::of(corpus.train.texts);
  models::TextEncoderConfig config = base;
  config.vocab = vocabulary.size();
  config.num_classes = std::ssize(questions::kAnswers);
  config.max_length = 64;
  config.embed_dim = 32;
  config.num_heads = 2;
  config.dim_feedforward = 64;
  models::TextEncoder model(config);
  model.initialise(0);
  TrainOptions options;
  options.batch = 32;
  options.lr = 3e-3;
  options.weight_decay = 0.01;
  options.warmup = 0.1;
  Learner learner(model, options);
  const Schedule schedule =
      schedule_options(options, epochs * ((corpus.train.size() + options.batch - 1) / options.batch));
  int64_t t = 0;
  for (int64_t epoch = 0; epoch < epochs; ++epoch) {
    for (const data::Batch& batch : data::sentence_batches(corpus.train, vocabulary, {.batch = options.batch}, epoch)) {
      EXPECT_TRUE(learner.learn(batch, t, schedule.at(static_cast<double>(t))).finite);
      ++t;
    }
  }
  const ops::NoGrad no_grad;
  Metrics metrics(config.num_classes);
  for (const data::Batch& batch : data::sentence_batches(corpus.test, vocabulary, {.batch = 128, .shuffle = false}))
    metrics.add(model.forward(batch.images).span(), batch.labels.span<int64_t>());
  EXPECT_EQ(metrics.count(), corpus.test.size());
  return metrics.accuracy();
}

TEST(Questions, AreLearnedFarBetterThanABagOfWordsCan) {
  const int threads = num_threads();
  set_num_threads(1);  // steps this small gain nothing from a second one
  const questions::Corpus corpus = questions::make_corpus(2400, 600);
  models::TextEncoderConfig encoder, bag;
  encoder.depth = 2;
  bag.depth = 0;
  bag.pos_embed = "none";
  const double ours = accuracy_after(corpus, encoder, 6), theirs = accuracy_after(corpus, bag, 6);
  set_num_threads(threads);
  EXPECT_GT(ours, 0.8);  // one of six classes: chance is 0.17
  EXPECT_GT(theirs, 0.3);
  EXPECT_LT(theirs, 0.7);
  EXPECT_GT(ours, theirs + 0.15);
}

}  // namespace
}  // namespace tessera::train
