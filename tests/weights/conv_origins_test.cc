// Convolutional networks as torchvision, timm and Hugging Face write them, against the logits of the code that they
// come from, with nothing said about the model; weights by formula from the original's names (origins/conv/make.py).
#include <gtest/gtest.h>

#include <algorithm>

#include "tessera/formats/safetensors.h"
#include "tessera/infer/classifier.h"
#include "tessera/infer/preprocess_of.h"
#include "tessera/ops/tape.h"
#include "tessera/weights/export.h"
#include "tessera/weights/model_file.h"
#include "tests/golden_model.h"
#include "tests/support.h"

namespace tessera::weights {
namespace {

struct Case {
  const char *file, *origin, *library, *family;
  models::Settings settings = {};
};

// The case's weights in a file, as its library would have written them.
void write(const std::filesystem::path& path, const test::GoldenCase& golden) {
  formats::NamedArrays arrays;
  for (const test::GoldenTensor& tensor : golden.tensors)
    if (!tensor.integers)
      arrays.emplace_back(tensor.name, formats::array_of(test::golden_values(tensor), tensor.shape));
  formats::write_safetensors(path, arrays);
}

Tensor logits_of(const LoadedModel& loaded, const test::GoldenCase& golden) {
  const ops::NoGrad no_grad;
  return loaded.model->forward(infer::channels_last(test::golden_tensor(golden.inputs[0])));
}

class ConvOrigins : public testing::TestWithParam<Case> {};

TEST_P(ConvOrigins, GiveTheLogitsOfTheirOriginalsAndAreWrittenBack) {
  const Case& c = GetParam();
  const test::GoldenCase golden = test::read_golden_case(test::golden_path(c.file));
  const test::TemporaryFolder folder;
  write(folder / "w.safetensors", golden);
  const LoadedModel loaded = load_model(folder / "w.safetensors", {.set = c.settings});
  EXPECT_EQ(loaded.origin, c.origin);
  EXPECT_EQ(nlohmann::json::parse(loaded.info.architecture)["family"], c.family);
  EXPECT_EQ(loaded.model->num_parameters(), golden.parameters);
  const Tensor logits = logits_of(loaded, golden);
  EXPECT_LE(test::relative_error(logits.span(), formats::at(golden.expect, "logits")), golden.strict_rel);

  formats::write_safetensors(folder / "again.safetensors", exported(*loaded.model, c.library));
  const formats::NamedArrays before = formats::read_safetensors(folder / "w.safetensors").arrays,
                             after = formats::read_safetensors(folder / "again.safetensors").arrays;
  ASSERT_EQ(before.size(), after.size());
  for (const auto& [name, array] : before) {
    const formats::Array& written = formats::at(after, name);
    EXPECT_EQ(array.shape, written.shape) << name;
    EXPECT_TRUE(std::equal(array.bytes.begin(), array.bytes.end(), written.bytes.begin(), written.bytes.end())) << name;
  }
  EXPECT_EQ(difference(*loaded.model, c.library), "");
}

INSTANTIATE_TEST_SUITE_P(
    All, ConvOrigins,
    testing::Values(Case{"models/resnet18.json", "torchvision-resnet", "torchvision", "resnet"},
                    Case{"models/resnet34.json", "torchvision-resnet", "torchvision", "resnet"},
                    Case{"models/mobilenet_v2.json", "torchvision-mobilenet_v2", "torchvision", "mobilenet_v2"},
                    Case{"models/densenet121.json", "torchvision-densenet", "torchvision", "densenet"},
                    Case{"models/efficientnet_b0.json", "torchvision-efficientnet", "torchvision", "efficientnet"},
                    Case{"models/googlenet.json",
                         "torchvision-googlenet",
                         "torchvision",
                         "googlenet",
                         {{"transform_input", "false"}}},
                    Case{"origins/conv/timm_mobilenetv2_100.json", "timm-efficientnet", "timm", "mobilenet_v2"},
                    Case{"origins/conv/timm_efficientnet_b0.json", "timm-efficientnet", "timm", "efficientnet"},
                    Case{"origins/conv/hf_resnet18.json", "hf-resnet", "hf", "resnet"}),
    [](const auto& info) {
      std::string name = std::filesystem::path(info.param.file).stem().string();
      return name;
    });

// timm's VGG has convolutions where torchvision has linear layers: the same numbers in another shape.
TEST(ConvOriginsApart, TimmsFirstLinearLayersAreConvolutions) {
  const auto model = models::build(models::with_settings(models::architecture_of("vgg11"), {{"num_classes", "3"}}));
  model->initialise(1);
  const formats::NamedArrays timm = exported(*model, "timm");
  EXPECT_EQ(formats::at(timm, "pre_logits.fc1.weight").shape, Shape({4096, 512, 7, 7}));
  EXPECT_EQ(formats::at(timm, "pre_logits.fc2.weight").shape, Shape({4096, 4096, 1, 1}));
  EXPECT_EQ(formats::at(timm, "head.fc.weight").shape, Shape({3, 4096}));
  const test::TemporaryFolder folder;
  formats::write_safetensors(folder / "w.safetensors", timm);
  const LoadedModel again = load_model(folder / "w.safetensors");
  EXPECT_EQ(again.origin, "timm-vgg");
  const std::vector<nn::Parameter> ours = model->state(), theirs = again.model->state();
  ASSERT_EQ(ours.size(), theirs.size());
  for (size_t i = 0; i < ours.size(); ++i) {
    EXPECT_EQ(ours[i].name, theirs[i].name);
    EXPECT_TRUE(std::ranges::equal(ours[i].tensor->span(), theirs[i].tensor->span())) << ours[i].name;
  }
}

TEST(ConvOriginsApart, PicturesArePreparedAsAtTheirOrigin) {
  const auto prepared = [](const char* golden, const char* file, const models::Settings& settings = {}) {
    const test::TemporaryFolder folder;
    write(folder / file, test::read_golden_case(test::golden_path(golden)));
    return infer::preprocess_of(load_model(folder / file, {.set = settings}));
  };
  const image::Preprocess first = prepared("models/mobilenet_v2.json", "mobilenet_v2-b0353104.safetensors");
  EXPECT_EQ(first.resize_height, 256);
  EXPECT_EQ(first.height, 224);
  EXPECT_EQ(first.interpolation, "bilinear");
  EXPECT_EQ(prepared("models/mobilenet_v2.json", "mobilenet_v2-7ebf99e0.safetensors").resize_height, 232);
  const image::Preprocess efficient = prepared("models/efficientnet_b0.json", "w.safetensors");
  EXPECT_EQ(efficient.resize_height, 256);
  EXPECT_EQ(efficient.interpolation, "bicubic");
  const image::Preprocess timm = prepared("origins/conv/timm_mobilenetv2_100.json", "w.safetensors");
  EXPECT_EQ(timm.crop_pct, 0.875);
  EXPECT_EQ(timm.interpolation, "bicubic");
}

// A model that several registered ones could be says so.
TEST(ConvOriginsApart, WhatShapesDoNotTellIsAssumed) {
  const test::TemporaryFolder folder;
  write(folder / "w.safetensors", test::read_golden_case(test::golden_path("models/mobilenet_v2.json")));
  const LoadedModel loaded = load_model(folder / "w.safetensors");
  ASSERT_EQ(loaded.account.assumed.size(), 1u);
  EXPECT_NE(loaded.account.assumed[0].find("mobilenet_v2_cifar"), std::string::npos);
}

}  // namespace
}  // namespace tessera::weights
