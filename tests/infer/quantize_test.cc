#include "tessera/infer/quantize.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tessera/formats/safetensors.h"
#include "tessera/infer/classifier.h"
#include "tessera/models/registry.h"
#include "tests/support.h"

namespace tessera::infer {
namespace {

const char* const kTiny =
    R"({"family": "vit", "img_size": 16, "patch_size": 4, "embed_dim": 32, "depth": 2, "num_heads": 2, "num_classes": 5})";

std::shared_ptr<models::Model> tiny(const models::Settings& settings = {}) {
  std::shared_ptr<models::Model> model = models::build(models::with_settings(kTiny, settings));
  model->initialise(3);
  for (const nn::Parameter& parameter : model->parameters()) {
    Random random(9, parameter.name);
    for (float& value : parameter.tensor->span()) value += static_cast<float>(0.2 * random.normal());
  }
  return model;
}

Tensor pictures(int64_t B) {
  Tensor x = Tensor::empty({B, 16, 16, 3});
  Random random(1, "pictures");
  for (float& value : x.span()) value = static_cast<float>(random.normal());
  return x;
}

// max |a - b| / max |b|
double difference(const Tensor& a, const Tensor& b) {
  EXPECT_EQ(a.shape(), b.shape());
  double error = 0, largest = 0;
  for (int64_t i = 0; i < a.numel(); ++i) {
    error = std::max<double>(error, std::abs(a.data()[i] - b.data()[i]));
    largest = std::max<double>(largest, std::abs(b.data()[i]));
  }
  return error / largest;
}

TEST(Quantize, GivesNearlyTheSameLogits) {
  const auto model = tiny();
  const Tensor images = pictures(3), before = Classifier(model, {}).logits(images);
  quantise(*model, model->products());
  for (const models::Product& product : model->products())
    EXPECT_TRUE(parameter(*model, product.weight).is_quantised()) << product.weight;
  const double error = difference(Classifier(model, {}).logits(images), before);
  EXPECT_LE(error, 0.08);
  EXPECT_GT(error, 1e-6);  // something did happen
}

// A channel whose norm is a hundred times larger than the others', and its weights a hundred times smaller: harmless in
// floats, and after smoothing in whole numbers too.
TEST(Quantize, SmoothingChangesNothingButTamesOutliers) {
  const auto model = tiny();
  for (const models::Product& product : model->products()) {
    if (product.norm.empty()) continue;
    Tensor& w = parameter(*model, product.weight);
    parameter(*model, product.norm + ".weight").data()[7] *= 100;
    parameter(*model, product.norm + ".bias").data()[7] *= 100;
    for (int64_t n = 0; n < w.size(0); ++n) w.data()[n * w.size(1) + 7] /= 100;
  }
  const Tensor images = pictures(4), before = Classifier(model, {}).logits(images);
  InputRanges ranges;
  observe(*model, images, ranges);
  EXPECT_EQ(ranges.size(), 4u);

  const auto rough = tiny();
  for (size_t i = 0; i < model->parameters().size(); ++i)
    *rough->parameters()[i].tensor = model->parameters()[i].tensor->clone();
  smooth(*model, ranges);
  EXPECT_LE(difference(Classifier(model, {}).logits(images), before), 1e-5);
  quantise(*model, model->products());
  quantise(*rough, rough->products());
  const double smoothed = difference(Classifier(model, {}).logits(images), before);
  EXPECT_LE(smoothed, 0.08);
  EXPECT_GE(difference(Classifier(rough, {}).logits(images), before), 2 * smoothed);
}

TEST(Quantize, TheModelFileKeepsItAndSaysSo) {
  const test::TemporaryFolder folder;
  const auto model = tiny({{"norm_position", "post"}});
  quantise(*model, model->products());
  const Tensor images = pictures(2), expected = Classifier(model, {}).logits(images);
  weights::save_model(folder / "q.safetensors", *model, {.architecture = model->architecture()});
  const formats::SafeTensors file = formats::read_safetensors(folder / "q.safetensors");
  EXPECT_EQ(file.metadata.at("tessera.format"), "2");
  EXPECT_EQ(formats::at(file.arrays, "blocks.1.mlp.fc2.weight").type, formats::FileType::I8);
  EXPECT_EQ(formats::at(file.arrays, "blocks.1.mlp.fc2.weight_scale").shape, Shape{32});
  const Classifier loaded = Classifier::load(folder / "q.safetensors");
  EXPECT_EQ(difference(loaded.logits(images), expected), 0);

  // Scales that do not fit, and a quantised tensor where there can be none.
  const auto refusal = [&](const std::string& name, const formats::Array& array) {
    formats::NamedArrays arrays = file.arrays;
    for (auto& [key, value] : arrays)
      if (key == name) value = array;
    if (!formats::find(arrays, name)) arrays.emplace_back(name, array);
    formats::write_safetensors(folder / "bad.safetensors", arrays, file.metadata);
    return test::error_of([&] { Classifier::load(folder / "bad.safetensors"); });
  };
  EXPECT_NE(refusal("head.weight_scale", formats::array_of(std::vector<float>(4), {4})).find("head.weight_scale"),
            std::string::npos);
}

TEST(Quantize, AFileOfAFloatModelIsReadByOlderReaders) {
  const test::TemporaryFolder folder;
  const auto model = tiny();
  weights::save_model(folder / "f.safetensors", *model, {.architecture = model->architecture()});
  EXPECT_EQ(formats::read_safetensors(folder / "f.safetensors").metadata.at("tessera.format"), "1");
}

}  // namespace
}  // namespace tessera::infer
