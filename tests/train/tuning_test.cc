#include "tessera/train/tuning.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "tessera/core/error.h"
#include "tessera/core/random.h"
#include "tessera/models/registry.h"
#include "tessera/train/learner.h"

namespace tessera::train {
namespace {

std::unique_ptr<models::Model> small_vit(int64_t depth = 3) {
  auto model =
      models::build(models::with_settings(models::architecture_of("vit_cifar"), {{"depth", std::to_string(depth)},
                                                                                 {"embed_dim", "32"},
                                                                                 {"num_heads", "2"},
                                                                                 {"init_values", "0.1"},
                                                                                 {"qkv_bias", "true"},
                                                                                 {"class_token", "true"},
                                                                                 {"global_pool", "token"},
                                                                                 {"img_size", "16"},
                                                                                 {"num_classes", "3"}}));
  model->initialise(1);
  Random random(2, "head");  // from zero, nothing would reach the blocks
  for (const nn::Parameter& p : model->parameters())
    if (p.name == "head.weight")
      for (float& v : p.tensor->span()) v = 0.2f * static_cast<float>(random.normal());
  return model;
}

TrainOptions tuning(const std::string& tune, std::vector<std::string> freeze = {}) {
  TrainOptions options;
  options.tune = tune;
  options.freeze = std::move(freeze);
  return options;
}

data::Batch batch_of(int64_t B) {
  data::Batch batch;
  batch.images = Tensor::empty({B, 16, 16, 3});
  batch.labels = Tensor::empty({B}, DType::i64);
  Random random(3, "tuning test");
  for (float& v : batch.images.span()) v = static_cast<float>(random.normal());
  for (int64_t& label : batch.labels.span<int64_t>()) label = static_cast<int64_t>(random.below(3));
  return batch;
}

TEST(Tune, HeadIsTheClassifierAlone) {
  const auto model = small_vit();
  EXPECT_EQ(tuned_parameters(*model, tuning("head")), (std::set<std::string>{"head.weight", "head.bias"}));
}

TEST(Tune, BlocksAreTheLastOnesAndWhatFollows) {
  const auto model = small_vit();
  const auto tuned = tuned_parameters(*model, tuning("blocks:1"));
  for (const char* name : {"blocks.2.attn.qkv.weight", "blocks.2.norm1.bias", "norm.weight", "head.bias"})
    EXPECT_TRUE(tuned.contains(name)) << name;
  for (const char* name : {"blocks.1.mlp.fc2.bias", "cls_token", "pos_embed", "patch_embed.proj.weight"})
    EXPECT_FALSE(tuned.contains(name)) << name;
  EXPECT_TRUE(tuned_parameters(*model, tuning("blocks:3")).contains("blocks.0.norm1.weight"));
  EXPECT_FALSE(tuned_parameters(*model, tuning("blocks:3")).contains("pos_embed"));
  EXPECT_THROW(tuned_parameters(*model, tuning("blocks:4")), UsageError);
}

TEST(Tune, NormAndBiasAreWhatHasOneDimensionAndTheHead) {
  const auto model = small_vit();
  const auto tuned = tuned_parameters(*model, tuning("norm_bias"));
  for (const nn::Parameter& p : model->parameters())
    EXPECT_EQ(tuned.contains(p.name), p.tensor->rank() == 1 || p.name == "head.weight") << p.name;
  EXPECT_TRUE(tuned.contains("blocks.1.ls1.gamma"));
}

TEST(Tune, FreezeTakesNamesBeginningsAndPatternsAway) {
  const auto model = small_vit(11);
  const auto tuned = tuned_parameters(*model, tuning("all", {"patch_embed", "blocks.1", "blocks.*.norm1.*"}));
  EXPECT_FALSE(tuned.contains("patch_embed.proj.weight"));
  EXPECT_FALSE(tuned.contains("blocks.1.mlp.fc1.bias"));
  EXPECT_TRUE(tuned.contains("blocks.10.mlp.fc1.bias"));
  EXPECT_FALSE(tuned.contains("blocks.10.norm1.bias"));
  EXPECT_TRUE(tuned.contains("head.weight"));
  EXPECT_FALSE(tuned_parameters(*model, tuning("blocks:1", {"head"})).contains("head.weight"));
  try {
    tuned_parameters(*model, tuning("all", {"encoder.0"}));
    FAIL();
  } catch (const UsageError& error) {
    EXPECT_NE(std::string(error.what()).find("no parameter 'encoder.0'"), std::string::npos) << error.what();
  }
}

// What is frozen keeps its bits through steps with decay, and what is tuned learns.
TEST(Tune, LeavesTheRestAsItWas) {
  for (const char* tune : {"head", "blocks:1", "norm_bias"}) {
    const auto model = small_vit();
    std::map<std::string, Tensor> before;
    for (const nn::Parameter& p : model->parameters()) before[p.name] = p.tensor->clone();
    const TrainOptions options = tuning(tune);
    const auto tuned = tuned_parameters(*model, options);
    Learner learner(*model, options);
    const data::Batch batch = batch_of(8);
    const double first = learner.learn(batch, 0, 0.01).loss;
    double last = first;
    for (int64_t t = 1; t < 12; ++t) last = learner.learn(batch, t, 0.01).loss;
    EXPECT_LT(last, first) << tune;
    for (const nn::Parameter& p : model->parameters()) {
      const auto now = p.tensor->span(), then = before[p.name].span();
      EXPECT_EQ(tuned.contains(p.name), !std::equal(now.begin(), now.end(), then.begin())) << tune << " " << p.name;
    }
  }
}

// The gradients of what is tuned do not depend on what else is.
TEST(Tune, HasTheGradientsOfTrainingEverything) {
  const auto gradients = [](const std::string& tune) {
    auto model = small_vit();
    TrainOptions options = tuning(tune);
    options.optimizer = "sgd";
    options.momentum = options.weight_decay = options.clip = 0;
    Learner learner(*model, options);
    learner.learn(batch_of(8), 0, 1.0);
    return model;
  };
  const auto all = gradients("all");
  const auto whole = all->parameters();
  for (const char* tune : {"head", "blocks:2", "norm_bias"}) {
    const auto part_model = gradients(tune);
    const auto part = part_model->parameters();
    const auto tuned = tuned_parameters(*part_model, tuning(tune));
    for (size_t i = 0; i < part.size(); ++i) {
      if (!tuned.contains(part[i].name)) continue;
      const auto a = part[i].tensor->span(), b = whole[i].tensor->span();
      for (size_t j = 0; j < a.size(); ++j) ASSERT_NEAR(a[j], b[j], 1e-6) << tune << " " << part[i].name;
    }
  }
}

}  // namespace
}  // namespace tessera::train
