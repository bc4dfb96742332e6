#include "tessera/data/batches.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <numeric>
#include <set>
#include <thread>

#include "tessera/core/error.h"
#include "tessera/data/shapes.h"
#include "tests/data/numbers.h"

namespace tessera::data {
namespace {

using test::Numbers;

image::Preprocess input(int64_t size) {
  image::Preprocess how;
  how.height = how.width = size;
  how.crop_pct = 1;
  how.mean = how.std = {0.5, 0.5, 0.5};
  return how;
}

// Everything that draws random numbers.
LoaderOptions busy_options(int threads) {
  LoaderOptions options;
  options.batch = 7;
  options.threads = threads;
  options.seed = 11;
  options.order.repeats = 2;
  options.preprocess = input(8);
  options.augmentation.crop_padding = 2;
  options.augmentation.flip = 0.5;
  options.augmentation.jitter = {0.4, 0.4, 0.4, 0.1};
  options.augmentation.erasing.probability = 0.5;
  options.mixing.mixup = 0.8;
  options.mixing.cutmix = 1;
  options.smoothing = 0.1;
  return options;
}

bool same_bits(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() && std::memcmp(a.raw(), b.raw(), a.bytes()) == 0;
}

void expect_same(const Batch& a, const Batch& b) {
  EXPECT_EQ(a.epoch, b.epoch);
  EXPECT_EQ(a.position, b.position);
  EXPECT_EQ(a.indices, b.indices);
  EXPECT_TRUE(same_bits(a.images, b.images));
  EXPECT_TRUE(same_bits(a.labels, b.labels));
  ASSERT_EQ(a.targets.defined(), b.targets.defined());
  EXPECT_TRUE(!a.targets || same_bits(a.targets, b.targets));
}

TEST(Loader, GivesTheSameBitsForAnyNumberOfThreads) {
  const auto set = std::make_shared<Numbers>(std::vector<int64_t>{20, 13});
  Loader one(set, busy_options(1)), four(set, busy_options(4));
  for (int i = 0; i < 12; ++i) expect_same(*one.next(), *four.next());  // more than two epochs of 5
}

TEST(Loader, GoesOnInTheMiddleOfAnEpoch) {
  const auto set = std::make_shared<Numbers>(std::vector<int64_t>{20, 13});
  Loader whole(set, busy_options(2)), resumed(set, busy_options(3));
  std::vector<Batch> batches;
  for (int i = 0; i < 12; ++i) batches.push_back(*whole.next());
  resumed.next();
  resumed.start(1, 3);
  EXPECT_EQ(batches[8].epoch, 1);
  EXPECT_EQ(batches[8].position, 3);
  for (size_t i = 8; i < 12; ++i) expect_same(*resumed.next(), batches[i]);
  resumed.start(0, 5);  // the end of epoch 0 is the beginning of epoch 1
  expect_same(*resumed.next(), batches[5]);
  EXPECT_THROW(resumed.start(0, 6), Error);
}

TEST(Loader, CoversEveryEpochOnceInAnotherOrder) {
  const auto set = std::make_shared<Numbers>(std::vector<int64_t>{10, 5});
  LoaderOptions options;
  options.batch = 4;
  options.preprocess = input(8);
  Loader loader(set, options);
  EXPECT_EQ(loader.batches_per_epoch(), 4);
  EXPECT_EQ(loader.pictures_per_epoch(), 15);
  std::vector<std::vector<int64_t>> epochs(2);
  for (int i = 0; i < 8; ++i) {
    const Batch batch = *loader.next();
    EXPECT_EQ(batch.epoch, i / 4);
    EXPECT_EQ(batch.position, i % 4);
    EXPECT_EQ(batch.images.shape(), (Shape{i % 4 == 3 ? 3 : 4, 8, 8, 3}));
    for (int64_t j = 0; j < batch.size(); ++j) {
      const int64_t index = batch.indices[static_cast<size_t>(j)];
      EXPECT_EQ(batch.labels.data<int64_t>()[j], set->label(index));
      epochs[static_cast<size_t>(i / 4)].push_back(index);
    }
  }
  EXPECT_NE(epochs[0], epochs[1]);
  for (auto& epoch : epochs) {
    std::sort(epoch.begin(), epoch.end());
    for (int64_t i = 0; i < 15; ++i) EXPECT_EQ(epoch[static_cast<size_t>(i)], i);
  }
  options.drop_last = true;
  Loader dropping(set, options);
  EXPECT_EQ(dropping.batches_per_epoch(), 3);
  EXPECT_EQ(dropping.pictures_per_epoch(), 12);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(dropping.next()->size(), 4);
  EXPECT_EQ(dropping.next()->epoch, 1);
}

TEST(Loader, EvaluatesInOrderAndEnds) {
  const auto set = std::make_shared<Numbers>(std::vector<int64_t>{6, 5});
  Loader loader(set, evaluation_options(input(8), 4, 2));
  for (int pass = 0; pass < 2; ++pass) {
    std::vector<int64_t> seen;
    while (const auto batch = loader.next()) {
      seen.insert(seen.end(), batch->indices.begin(), batch->indices.end());
      EXPECT_FALSE(batch->targets.defined());
      for (int64_t i = 0; i < batch->size(); ++i) {
        const image::Picture picture = set->get(batch->indices[static_cast<size_t>(i)]).picture;
        for (int64_t j = 0; j < 192; ++j) {
          const float expected = (static_cast<float>(picture.pixels[static_cast<size_t>(j)]) / 255.0f - 0.5f) / 0.5f;
          ASSERT_EQ(batch->images.data()[i * 192 + j], expected);
        }
      }
    }
    EXPECT_EQ(seen, (std::vector<int64_t>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10}));
    EXPECT_FALSE(loader.next().has_value());
    loader.start(0);
  }
}

TEST(Loader, MixesWholeBatchesAndTheirTargets) {
  const auto set = std::make_shared<Numbers>(std::vector<int64_t>{10, 10, 10});
  LoaderOptions options;
  options.batch = 6;
  options.preprocess = input(8);
  LoaderOptions mixed = options;
  mixed.mixing.mixup = 1;
  Loader plain_loader(set, options), mixed_loader(set, mixed);
  const Batch plain = *plain_loader.next(), mix = *mixed_loader.next();
  EXPECT_EQ(plain.indices, mix.indices);
  ASSERT_EQ(mix.targets.shape(), (Shape{6, 3}));
  for (int64_t i = 0; i < 6; ++i) {
    const int64_t own = mix.labels.data<int64_t>()[i], other = mix.labels.data<int64_t>()[5 - i];
    const float* target = mix.targets.data() + 3 * i;
    EXPECT_NEAR(target[0] + target[1] + target[2], 1, 1e-6);
    EXPECT_NEAR(target[own] + (own == other ? 0 : target[other]), 1, 1e-6);
  }
  // The pictures with the same weights as the labels.
  int64_t pair = 0;
  while (pair < 3 && mix.labels.data<int64_t>()[pair] == mix.labels.data<int64_t>()[5 - pair]) ++pair;
  ASSERT_LT(pair, 3) << "the seed pairs only equal labels";
  const float lambda = mix.targets.data()[3 * pair + mix.labels.data<int64_t>()[pair]];
  for (int64_t j = 0; j < 192; ++j) {
    const float own = plain.images.data()[pair * 192 + j], other = plain.images.data()[(5 - pair) * 192 + j];
    EXPECT_NEAR(mix.images.data()[pair * 192 + j], lambda * own + (1 - lambda) * other, 1e-5);
  }
}

TEST(Loader, AugmentsCopiesDifferently) {
  const auto set = std::make_shared<Numbers>(std::vector<int64_t>{8});
  LoaderOptions options;
  options.batch = 8;
  options.order.repeats = 4;
  options.preprocess = input(8);
  options.augmentation.erasing.probability = 1;  // draws many numbers: equal pictures mean equal randomness
  Loader loader(set, options);
  const Batch batch = *loader.next();
  EXPECT_EQ(batch.indices[0], batch.indices[3]);
  for (int64_t a = 0; a < 8; ++a) {
    for (int64_t b = 0; b < a; ++b) EXPECT_FALSE(same_bits(batch.images.rows(a, 1), batch.images.rows(b, 1)));
  }
}

TEST(Loader, ReplacesACorruptSampleAndNamesIt) {
  const auto set = std::make_shared<Numbers>(std::vector<int64_t>{100, 100}, std::set<int64_t>{41, 42});
  LoaderOptions options;
  options.batch = 50;
  options.preprocess = input(8);
  options.threads = 3;
  Loader loader(set, options);
  std::vector<int64_t> seen;
  for (int i = 0; i < 4; ++i) {
    const Batch batch = *loader.next();
    seen.insert(seen.end(), batch.indices.begin(), batch.indices.end());
  }
  EXPECT_EQ(seen.size(), 200u);
  EXPECT_EQ(std::count(seen.begin(), seen.end(), 43), 3);  // for 41, 42 and itself
  EXPECT_EQ(std::count(seen.begin(), seen.end(), 42), 0);
  EXPECT_EQ(loader.corrupt(), (std::vector<std::string>{"sample 41 is corrupt", "sample 42 is corrupt"}));
}

TEST(Loader, LeavesACorruptSampleOutOfTheEvaluation) {
  const auto set = std::make_shared<Numbers>(std::vector<int64_t>{100, 101}, std::set<int64_t>{41, 200});
  Loader loader(set, evaluation_options(input(8), 50, 2));
  std::vector<int64_t> seen;
  while (const auto batch = loader.next()) {
    EXPECT_EQ(batch->images.size(0), batch->size());
    for (int64_t i = 0; i < batch->size(); ++i) {
      const int64_t index = batch->indices[static_cast<size_t>(i)];
      seen.push_back(index);
      EXPECT_EQ(batch->labels.data<int64_t>()[i], set->label(index));
      const float first = (static_cast<float>(static_cast<uint8_t>(31 * index)) / 255.0f - 0.5f) / 0.5f;
      EXPECT_EQ(batch->images.data()[i * 192], first);
    }
  }
  EXPECT_EQ(seen.size(), 199u);  // and the last batch, of 200 alone, did not come
  EXPECT_EQ(std::count(seen.begin(), seen.end(), 41), 0);
}

TEST(Loader, StopsAtMoreThanOnePercentCorrupt) {
  const auto set = std::make_shared<Numbers>(std::vector<int64_t>{100, 99}, std::set<int64_t>{1, 2});
  LoaderOptions options;
  options.preprocess = input(8);
  options.batch = 199;
  Loader loader(set, options);
  try {
    loader.next();
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(
        std::string(error.what()),
        "more than 1 % of 199 pictures cannot be read: sample 1 is corrupt, sample 2 is corrupt; repair or remove "
        "them");
  }
}

TEST(Loader, EndsAtAnyMoment) {
  const auto set = std::make_shared<Numbers>(std::vector<int64_t>{500});
  for (int i = 0; i < 40; ++i) {
    LoaderOptions options = busy_options(1 + i % 4);
    Loader loader(set, options);
    for (int j = 0; j < i % 5; ++j) loader.next();
    if (i % 3 == 0) loader.start(i, i % 7);
    if (i % 2 == 0) std::this_thread::sleep_for(std::chrono::microseconds(50 * i));
  }
}

TEST(Loader, RefusesWhatCannotBe) {
  const auto set = std::make_shared<Numbers>(std::vector<int64_t>{5});
  LoaderOptions options;
  options.preprocess = input(8);
  const auto refused = [&](auto change) {
    LoaderOptions changed = options;
    change(changed);
    EXPECT_THROW(Loader(set, changed), Error);
  };
  refused([](LoaderOptions& o) { o.batch = 0; });
  refused([](LoaderOptions& o) { o.threads = 0; });
  refused([](LoaderOptions& o) { o.prefetch = 0; });
  refused([](LoaderOptions& o) { o.order.repeats = 0; });
  refused([](LoaderOptions& o) { o.drop_last = true; });  // a batch of 64 of 5
  refused([](LoaderOptions& o) { o.preprocess.mean = {0.5}; });
  EXPECT_THROW(Loader(std::make_shared<Numbers>(std::vector<int64_t>{}), options), Error);
}

TEST(Loader, MeasuresItself) {
  LoaderOptions options;
  options.batch = 128;
  options.preprocess = input(32);
  options.augmentation.crop_padding = 4;
  options.augmentation.flip = 0.5;
  Loader loader(shapes({.pictures = 5000}), options);
  EXPECT_EQ(loader.seconds_waited(), 0);
  for (int i = 0; i < 30; ++i) loader.next();
  EXPECT_GT(loader.pictures_per_second(), 100);
  EXPECT_GT(loader.seconds_waited(), 0);
  RecordProperty("pictures_per_second", std::to_string(loader.pictures_per_second()));
}

}  // namespace
}  // namespace tessera::data
