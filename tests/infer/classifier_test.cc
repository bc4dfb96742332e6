// The classifier: the numbers of the model behind it, whatever way a picture comes, from any number of threads.
#include "tessera/infer/classifier.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <thread>

#include "tessera/core/file.h"
#include "tessera/core/random.h"
#include "tessera/image/encode_png.h"
#include "tessera/kernels/matmul.h"
#include "tessera/models/registry.h"
#include "tests/support.h"

namespace tessera::infer {
namespace {

using test::error_of;
using test::TemporaryFolder;

constexpr const char* kArchitecture =
    R"({"family": "vit", "img_size": 16, "patch_size": 4, "embed_dim": 32, "depth": 2, "num_heads": 2, "num_classes": 3})";

// A model whose head is not zero, so that pictures differ.
std::shared_ptr<models::Model> tiny_model(const std::string& architecture = kArchitecture) {
  std::shared_ptr<models::Model> model = models::build(architecture);
  model->initialise(1);
  for (const nn::Parameter& parameter : model->parameters()) {
    Random random(2, parameter.name);
    if (parameter.tensor->rank() == 2)
      for (float& value : parameter.tensor->span()) value = static_cast<float>(0.3 * random.normal());
  }
  return model;
}

weights::ModelInfo tiny_info(const models::Model& model) {
  weights::ModelInfo info;
  info.architecture = model.architecture();
  info.class_names = {"cat", "dog", "owl"};
  return info;
}

image::Picture noise(int64_t height, int64_t width, int64_t channels, uint64_t seed) {
  image::Picture picture(height, width, channels);
  Random random(seed, "picture");
  for (uint8_t& value : picture.pixels) value = static_cast<uint8_t>(random.below(256));
  return picture;
}

TEST(Classifier, GivesTheSameFromMemoryFromItsFileAndFromAPictureFile) {
  const TemporaryFolder folder;
  const auto model = tiny_model();
  const Classifier original(model, tiny_info(*model));
  weights::save_model(folder / "m.safetensors", *model, original.with_preprocess(original.preprocess()).info());
  const Classifier loaded = Classifier::load(folder / "m.safetensors");
  EXPECT_EQ(loaded.preprocess(), original.preprocess());
  EXPECT_EQ(loaded.class_names(), (std::vector<std::string>{"cat", "dog", "owl"}));

  const image::Picture picture = noise(40, 30, 3, 1);
  write_atomically(folder / "p.png", image::encode_png(picture));
  const Classification expected = original.classify(picture);
  EXPECT_EQ(loaded.classify(picture).logits, expected.logits);
  EXPECT_EQ(loaded.classify(folder / "p.png").logits, expected.logits);
}

TEST(Classifier, RanksByProbabilityAndThenByIndex) {
  const auto model = tiny_model();
  const Classifier classifier(model, tiny_info(*model));
  const std::vector<float> logits = {1.0f, 3.0f, 1.0f};
  const Classification result = classifier.rank(logits, 5);
  ASSERT_EQ(result.top.size(), 3u);
  EXPECT_EQ(result.top[0].name, "dog");
  EXPECT_EQ(result.top[1].name, "cat");
  EXPECT_EQ(result.top[2].name, "owl");
  EXPECT_NEAR(result.top[0].probability, std::exp(2.0) / (std::exp(2.0) + 2), 1e-12);
  EXPECT_EQ(classifier.rank(logits, 2).top.size(), 2u);
  const std::vector<float> huge = {-3e38f, 3e38f, 0.0f};
  EXPECT_EQ(classifier.rank(huge, 1).top[0].probability, 1.0);
  const std::vector<float> broken = {0.0f, std::numeric_limits<float>::quiet_NaN(), 0.0f};
  EXPECT_NE(error_of([&] { classifier.rank(broken); }).find("not finite"), std::string::npos);
}

TEST(Classifier, TreatsABatchAsItsPictures) {
  const auto model = tiny_model();
  const Classifier classifier(model, tiny_info(*model));
  std::vector<image::Picture> pictures;
  for (uint64_t i = 0; i < 5; ++i) pictures.push_back(noise(16 + 3 * static_cast<int64_t>(i), 20, i % 2 ? 1 : 3, i));
  const std::vector<Classification> together = classifier.classify(pictures);
  ASSERT_EQ(together.size(), pictures.size());
  for (size_t i = 0; i < pictures.size(); ++i) {
    const Classification alone = classifier.classify(pictures[i]);
    for (size_t k = 0; k < 3; ++k) EXPECT_NEAR(together[i].logits[k], alone.logits[k], 1e-5);
  }
  EXPECT_TRUE(classifier.classify(std::span<const image::Picture>()).empty());
}

TEST(Classifier, BringsGrayAndColourToWhatTheModelTakes) {
  const auto colour = tiny_model();
  const Classifier three(colour, tiny_info(*colour));
  const image::Picture gray = noise(16, 16, 1, 7);
  image::Picture repeated(16, 16, 3);
  for (size_t i = 0; i < repeated.pixels.size(); ++i) repeated.pixels[i] = gray.pixels[i / 3];
  EXPECT_EQ(three.classify(gray).logits, three.classify(repeated).logits);

  const auto single = tiny_model(models::with_settings(kArchitecture, {{"in_chans", "1"}}));
  const Classifier one(single, tiny_info(*single));
  EXPECT_EQ(one.classify(gray).logits, one.classify(repeated).logits);  // luma of equal channels is their value
}

TEST(Classifier, MayBeCalledFromManyThreads) {
  const auto model = tiny_model();
  const Classifier classifier(model, tiny_info(*model));
  std::vector<std::vector<float>> expected, found(4);
  for (uint64_t i = 0; i < 4; ++i) expected.push_back(classifier.classify(noise(20, 20, 3, i)).logits);
  std::vector<std::thread> threads;
  for (uint64_t i = 0; i < 4; ++i)
    threads.emplace_back([&, i] {
      for (int repeat = 0; repeat < 8; ++repeat) found[i] = classifier.classify(noise(20, 20, 3, i)).logits;
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(found, expected);
}

TEST(Classifier, MultipliesInBf16WhereAsked) {
  const auto model = tiny_model();
  const Classifier exact(model, tiny_info(*model));
  if (!kernels::has_bf16_products()) {
    EXPECT_THROW(exact.with_precision(ops::Precision::bf16), Error);
    return;
  }
  const auto a = exact.classify(noise(20, 20, 3, 1)).logits;
  const auto b = exact.with_precision(ops::Precision::bf16).classify(noise(20, 20, 3, 1)).logits;
  EXPECT_NE(a, b);
  for (size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(a[i], b[i], 0.02 * (1 + std::abs(a[i])));
}

TEST(Classifier, RefusesPartsThatContradictOneAnother) {
  const auto model = tiny_model();
  weights::ModelInfo info = tiny_info(*model);
  info.class_names.pop_back();
  EXPECT_EQ(error_of([&] { Classifier(model, info); }), "2 class names for a model of 3 classes");
  info = tiny_info(*model);
  info.preprocess = R"({"height": 32, "width": 32})";
  EXPECT_EQ(error_of([&] { Classifier(model, info); }),
            "the preprocessing makes pictures of 32x32x3, but the model takes 16x16x3");
  info.preprocess = R"({"crop_percent": 1})";
  EXPECT_NE(error_of([&] { Classifier(model, info); }).find("crop_p"), std::string::npos);
}

TEST(ChannelsLast, MovesTheChannels) {
  const Tensor x = Tensor::from({1, 2, 2, 3}, std::vector<float>{0, 1, 2, 3, 4, 5, 10, 11, 12, 13, 14, 15});
  const Tensor y = channels_last(x);
  EXPECT_EQ(y.shape(), (Shape{1, 2, 3, 2}));
  const std::vector<float> expected = {0, 10, 1, 11, 2, 12, 3, 13, 4, 14, 5, 15};
  EXPECT_EQ(std::vector<float>(y.span().begin(), y.span().end()), expected);
}

}  // namespace
}  // namespace tessera::infer
