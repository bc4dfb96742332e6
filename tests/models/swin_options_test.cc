// Options of the Swin Transformer that no reference model covers, what training knows of its parameters, and what is
// refused.
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "tessera/models/swin.h"
#include "tessera/ops/tape.h"
#include "tessera/ops/training.h"
#include "tests/support.h"
#include "tests/tensors.h"

namespace tessera::models {
namespace {

const char* const kTiny =
    R"({"family": "swin", "img_size": 32, "patch_size": 4, "embed_dim": 8, "depths": [2, 2], "num_heads": [2, 4], "window_size": 4, "num_classes": 5})";

std::unique_ptr<Model> tiny(const Settings& settings = {}) {
  std::unique_ptr<Model> model = build(with_settings(kTiny, settings));
  model->initialise(3);
  return model;
}

SwinConfig config_of(const Settings& settings) {
  SwinConfig config;
  Options options;
  config.visit(options);
  std::string text = with_settings(kTiny, settings);
  options.from_json(text.replace(text.find("\"family\":\"swin\","), 16, ""), "a test");
  config.complete(options);
  return config;
}

TEST(Swin, WindowsShiftInEverySecondBlockAndShrinkToTheMap) {
  const SwinConfig config = config_of({{"img_size", "32,64"}});  // maps 8x16 and 4x8
  const auto is = [&](int64_t stage, int64_t block, kernels::Extent2d window, kernels::Extent2d shift) {
    const ops::WindowGrid grid = config.grid(stage, block);
    return grid.window.h == window.h && grid.window.w == window.w && grid.shift.h == shift.h && grid.shift.w == shift.w;
  };
  EXPECT_TRUE(is(0, 0, {4, 4}, {0, 0}));
  EXPECT_TRUE(is(0, 1, {4, 4}, {2, 2}));
  EXPECT_TRUE(is(1, 1, {4, 4}, {0, 2}));                                              // one window along the rows
  const SwinConfig large = config_of({{"img_size", "20,32"}, {"window_size", "7"}});  // maps 5x8 and 3x4
  EXPECT_EQ(large.grid(0, 1).window.h, 5);
  EXPECT_EQ(large.grid(0, 1).shift.w, 3);
  EXPECT_EQ(large.grid(1, 1).window.w, 4);
  EXPECT_EQ(config_of({{"window_size", "7"}, {"img_size", "20"}, {"edges", "torchvision"}}).grid(0, 0).window.h, 7);
  EXPECT_EQ(config_of({{"window_size", "4,2"}}).grid(1, 0).window.w, 2);
  EXPECT_EQ(config_of({{"window_size", "4,2,2,2"}}).grid(1, 0).window.h, 2);
  const SwinConfig three = config_of({{"depths", "1,1,1"}, {"num_heads", "1,2,4"}, {"window_size", "4,3,2"}});
  EXPECT_EQ(three.grid(1, 0).window.h, 3);
}

// Any picture, also one whose maps are odd or smaller than a window, gives logits and a gradient of every parameter.
TEST(Swin, TakesPicturesOfAnySize) {
  for (const char* size : {"4", "9,31", "36,60", "44"}) {
    for (const char* edges : {"timm", "torchvision", "hf"}) {
      SCOPED_TRACE(std::string(size) + " " + edges);
      const auto model = tiny({{"img_size", size}, {"edges", edges}});
      for (const nn::Parameter& parameter : model->parameters()) parameter.tensor->set_requires_grad();
      const auto [H, W, C] = model->input();
      const ops::TrainingState training(ops::Draws{.seed = 1, .step = 2});
      const Tensor logits = model->forward(test::normal({2, H, W, C}, "pictures"));
      for (float value : logits.span()) EXPECT_TRUE(std::isfinite(value));
      ops::backward(logits, Tensor::full(logits.shape(), 1));
      for (const nn::Parameter& parameter : model->parameters())
        EXPECT_TRUE(parameter.tensor->grad().defined()) << parameter.name;
      EXPECT_GT(model->macs(), 0);
    }
  }
}

// Eq. 1 and 2 of the paper: linear in the number of tokens, where ViT's attention is quadratic.
TEST(Swin, CountsMultiplyAccumulatesAsThePaper) {
  const auto attention = [](const std::string& size) {
    const auto model = tiny({{"img_size", size}, {"depths", "2"}, {"num_heads", "2"}});
    int64_t macs = 0;
    for (const ShapeStep& step : model->shapes())
      if (step.what.ends_with(".attn")) macs += step.macs;
    return macs;
  };
  const int64_t C = 8, M = 4;
  for (const int64_t side : {32, 64, 128}) {
    const int64_t hw = (side / 4) * (side / 4);
    EXPECT_EQ(attention(std::to_string(side)), 2 * (4 * hw * C * C + 2 * M * M * hw * C));
  }
  const auto swin_t = build(architecture_of("swin_tiny_patch4_window7_224"));
  EXPECT_NEAR(static_cast<double>(swin_t->macs()), 4.5e9, 0.05e9);  // table 1
  int64_t parameters = 0;
  for (const ShapeStep& step : swin_t->shapes()) parameters += step.parameters;
  EXPECT_EQ(parameters, swin_t->num_parameters());
}

TEST(Swin, LayersAndDecayOfParameters) {
  const auto model = tiny();
  EXPECT_EQ(model->num_layers(), 6);
  EXPECT_EQ(model->layer_of("patch_embed.norm.weight"), 0);
  EXPECT_EQ(model->layer_of("layers.0.blocks.1.mlp.fc1.bias"), 2);
  EXPECT_EQ(model->layer_of("layers.1.downsample.norm.weight"), 3);
  EXPECT_EQ(model->layer_of("layers.1.blocks.1.attn.qkv.weight"), 4);
  EXPECT_EQ(model->layer_of("norm.weight"), 4);
  EXPECT_EQ(model->layer_of("head.fc.weight"), 5);
  EXPECT_TRUE(model->no_weight_decay("layers.0.blocks.0.attn.relative_position_bias_table"));
  EXPECT_FALSE(model->no_weight_decay("layers.0.blocks.0.attn.qkv.weight"));
  std::set<std::string> names;
  for (const nn::Parameter& parameter : model->parameters()) names.insert(parameter.name);
  for (const Product& product : model->products()) {
    EXPECT_TRUE(names.count(product.weight)) << product.weight;
    EXPECT_TRUE(product.norm.empty() || names.count(product.norm + ".weight")) << product.norm;
  }
  for (const std::string& head : model->head_parameters()) EXPECT_TRUE(names.count(head)) << head;
}

// The blocks of both stages count as one row: 0, 1/3, 2/3 and all of the rate.
TEST(Swin, StochasticDepthRisesOverAllBlocks) {
  const auto model = tiny({{"drop_path_rate", "0.9"}});
  for (const nn::Parameter& parameter : model->parameters())  // branches of 1, and nothing else
    if (parameter.name.ends_with("mlp.fc2.bias")) std::fill_n(parameter.tensor->data(), parameter.tensor->numel(), 1);
  const ops::TrainingState training(ops::Draws{.seed = 5, .step = 0});
  const auto other = tiny({{"drop_path_rate", "0"}});
  const Tensor images = test::normal({64, 32, 32, 3}, "pictures");
  const ops::NoGrad no_grad;
  // What is dropped of some pictures is not of others: the features differ from those without.
  const Tensor with_drops = model->forward_features(images), without = other->forward_features(images);
  int64_t differing = 0;
  for (int64_t i = 0; i < with_drops.numel(); ++i) differing += with_drops.data()[i] != without.data()[i];
  EXPECT_GT(differing, with_drops.numel() / 2);
}

TEST(Swin, RefusesWhatCannotBe) {
  const auto error = [](const Settings& settings) { return test::error_of([&] { tiny(settings); }); };
  const auto says = [&](const Settings& settings, const char* text) {
    EXPECT_NE(error(settings).find(text), std::string::npos) << error(settings);
  };
  says({{"num_heads", "2"}}, "num_heads takes a number for each of the 2 stages");
  says({{"num_heads", "2,3"}}, "num_heads 3 of stage 1 does not divide its width 16");
  says({{"window_size", "4,4,4"}}, "window_size takes one number");
  says({{"patch_size", "64"}}, "patch_size 64x64 is larger than img_size 32x32");
  says({{"img_size", "1,2,3"}}, "img_size takes a height and a width");
  says({{"edges", "jax"}}, "edges");
  says({{"depth", "3"}}, "depth");
  EXPECT_EQ(error({{"head_dim", "3"}, {"num_heads", "2,3"}}), "");
}

}  // namespace
}  // namespace tessera::models
