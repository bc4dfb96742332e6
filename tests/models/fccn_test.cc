// Fully complex-valued networks: the golden case, every option, and what they tell training and inference.
#include "tessera/models/fccn.h"

#include <gtest/gtest.h>

#include "tessera/infer/classifier.h"
#include "tessera/ops/frozen.h"
#include "tessera/ops/polar.h"
#include "tessera/ops/tape.h"
#include "tessera/ops/training.h"
#include "tests/models/golden_net.h"
#include "tests/support.h"
#include "tests/tensors.h"

namespace tessera::models {
namespace {

// The pictures of the case in planar halves: (B, C, H, W) twice -> (B, H, W, 2·C)
Tensor joined(const Tensor& re, const Tensor& im) {
  const int64_t B = re.size(0), plane = re.numel() / B;
  const Tensor both = Tensor::empty({B, 2 * re.size(1), re.size(2), re.size(3)});
  for (int64_t b = 0; b < B; ++b) {
    std::copy_n(re.data() + b * plane, plane, both.data() + 2 * b * plane);
    std::copy_n(im.data() + b * plane, plane, both.data() + (2 * b + 1) * plane);
  }
  return infer::channels_last(both);
}

TEST(Fccn, EqualsTheGoldenCase) {
  test::GoldenNet net = test::golden_net(
      "tiny_complex",
      R"({"family": "fccn", "img_size": 12, "color": "complex", "channels": [6, 6], "strides": [2, 2], "norm": "none",
          "act": ["modrelu", "crelu"], "global_pool": "all"})",
      /*maps_are_nchw=*/true, [](const std::string& name) {
        if (name.starts_with("modrelu.")) return "act1" + name.substr(7);
        return name.starts_with("crelu.") ? "act2" + name.substr(5) : name;
      });
  net.images = joined(golden_tensor(net.golden.inputs.at(0)), golden_tensor(net.golden.inputs.at(1)));
  expect_outputs(net);
}

Tensor pictures(const Model& model, int64_t B) {
  const auto [H, W, C] = model.input();
  const Tensor images = test::normal({B, H, W, C}, "pictures");
  for (float& value : images.span()) value = std::min(std::max(0.5f + 0.25f * value, 0.0f), 1.0f);
  return images;
}

// Whatever the options: the shapes that are told, logits in use as in evaluation, and a gradient for every parameter.
TEST(Fccn, EveryOptionTrainsAndFolds) {
  const char* const options[] = {
      R"({})",
      R"({"norm": "parts", "act": "cprelu", "pools": [1, 3], "pool": "max"})",
      R"({"norm": "whitening", "act": "modrelu", "pools": [2], "pool": "magnitude", "conv_bias": true})",
      R"({"norm": "none", "act": "cardioid", "color": "rgb", "global_pool": "all", "pool": "avg", "pools": [2]})",
      R"({"norm": "whitening", "act": "zrelu", "color": "complex", "in_chans": 2, "kernel": 5})",
      R"({"numbers": "real", "pools": [1]})",
      R"({"numbers": "real", "color": "ihsv", "norm": "none", "global_pool": "all"})"};
  for (const char* option : options) {
    SCOPED_TRACE(option);
    const auto model = build(with_settings(
        option, {{"family", "fccn"}, {"img_size", "16,20"}, {"channels", "4,6,8"}, {"strides", "1,2,1"}}));
    model->initialise(5);
    const Tensor images = pictures(*model, 3);
    kernels::FrozenWeights frozen;
    for (const nn::Parameter& parameter : model->state()) {
      parameter.tensor->set_requires_grad();
      frozen.add({parameter.tensor->raw(), parameter.tensor->bytes()}, false);
    }
    {
      const ops::TrainingState training(ops::Draws{});
      const Model::TrainingOutput output = model->forward_training(images);
      ASSERT_EQ(output.logits.shape(), (Shape{3, 10}));
      EXPECT_EQ(output.complex_logits.defined(), std::string(option).find("real") == std::string::npos);
      ops::backward(output.logits, test::normal({3, 10}, "dy"));
    }
    for (const nn::Parameter& parameter : model->parameters())
      EXPECT_TRUE(parameter.tensor->grad().defined()) << parameter.name;
    const ops::NoGrad no_grad;
    const Tensor evaluated = model->forward(images);
    Shape map;
    for (const ShapeStep& step : model->shapes())
      if (step.shape.rank() == 3) map = step.shape;
    EXPECT_EQ(model->forward_features(images).shape(), (Shape{3, map[0], map[1], map[2]}));
    const ops::Frozen in_use(frozen);
    const Tensor used = model->forward(images);
    for (int64_t i = 0; i < used.numel(); ++i) EXPECT_NEAR(used.data()[i], evaluated.data()[i], 1e-4);
    int64_t parameters = 0;
    for (const ShapeStep& step : model->shapes()) parameters += step.parameters;
    EXPECT_EQ(parameters, model->num_parameters());
    EXPECT_EQ(build(model->architecture())->architecture(), model->architecture());
  }
}

TEST(Fccn, LogitsAreTheMagnitudesOfComplexOutputs) {
  const auto model = build(architecture_of("fccn_cifar"));
  model->initialise(0);
  const Model::TrainingOutput output = model->forward_training(pictures(*model, 2));
  EXPECT_EQ(output.complex_logits.shape(), (Shape{2, 20}));
  const Tensor magnitudes = ops::magnitude(output.complex_logits);
  for (int64_t i = 0; i < 20; ++i) EXPECT_EQ(output.logits.data()[i], magnitudes.data()[i]);
}

TEST(Fccn, RefusesWhatCannotBe) {
  const auto refusal = [](const char* key, const char* value) {
    return test::error_of([&] { build(with_settings(architecture_of("fccn_cifar"), {{key, value}})); });
  };
  EXPECT_NE(refusal("in_chans", "1").find("color ihsv needs pictures of 3 channels"), std::string::npos);
  EXPECT_NE(refusal("strides", "1,2").find("strides must be one value or one for each"), std::string::npos);
  EXPECT_NE(refusal("kernel", "4").find("kernel must be odd"), std::string::npos);
  EXPECT_NE(refusal("pools", "9").find("pools names convolution 9"), std::string::npos);
  EXPECT_NE(refusal("pools", "[1, 2, 3, 4]").find("too small for so many pools"), std::string::npos);
  const auto real = [](const char* key, const char* value) {
    return test::error_of([&] { build(with_settings(architecture_of("fccn_cifar_real"), {{key, value}})); });
  };
  EXPECT_NE(real("act", "modrelu").find("act modrelu is for complex numbers"), std::string::npos);
  EXPECT_NE(real("norm", "parts").find("norm parts is for complex numbers"), std::string::npos);
}

// Pictures come as they are, in [0, 1], and a file that says otherwise is refused.
TEST(Fccn, ColoursAreNotNormalised) {
  const std::shared_ptr<Model> model = build(architecture_of("fccn_cifar"));
  model->initialise(0);
  const infer::Classifier classifier(model, {});
  EXPECT_EQ(classifier.preprocess().mean, (std::vector<double>{0, 0, 0}));
  EXPECT_EQ(classifier.preprocess().std, (std::vector<double>{1, 1, 1}));
  image::Preprocess other = classifier.preprocess();
  other.mean = {0.5, 0.5, 0.5};
  EXPECT_EQ(
      test::error_of([&] { classifier.with_preprocess(other); }),
      "this model computes with the colours themselves: its preprocessing must have mean 0,0,0 and std 1,1,1, not "
      "0.5,0.5,0.5 and 1,1,1");
}

}  // namespace
}  // namespace tessera::models
