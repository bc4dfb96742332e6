// Swin Transformers as timm, their authors, torchvision and Hugging Face write them, against the logits of the code
// that they come from: timm 1.0.31, torchvision 0.29, transformers 5.23. In expect.safetensors: NAME_HxW, of input_HxW.
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "tessera/formats/safetensors.h"
#include "tessera/formats/tensor.h"
#include "tessera/infer/classifier.h"
#include "tessera/infer/preprocess_of.h"
#include "tessera/ops/tape.h"
#include "tessera/weights/export.h"
#include "tessera/weights/model_file.h"
#include "tests/golden_model.h"
#include "tests/support.h"

namespace tessera::weights {
namespace {

std::filesystem::path golden(const std::string& name) { return test::golden_path("origins/swin/" + name); }

const formats::NamedArrays& expected() {
  static const formats::NamedArrays arrays = formats::read_safetensors(golden("expect.safetensors")).arrays;
  return arrays;
}

Tensor logits_of(const LoadedModel& loaded, const std::string& size) {
  const ops::NoGrad no_grad;
  return loaded.model->forward(infer::channels_last(formats::to_tensor(formats::at(expected(), "input_" + size))));
}

LoadOptions with(const models::Settings& settings) { return {.set = settings}; }

struct Case {
  const char *file, *origin, *logits, *size;
  models::Settings settings = {};
};

TEST(SwinOrigins, GiveTheLogitsOfTheirOriginals) {
  const Case cases[] = {
      // Nothing tells the size: the last map is taken for one window.
      {"timm.safetensors", "timm", "timm", "32x32"},
      {"timm.safetensors", "timm", "timm", "64x64", {{"img_size", "64"}}},
      {"timm.safetensors", "timm", "timm", "28x36", {{"img_size", "28,36"}}},
      {"timm.safetensors", "timm", "timm_window6", "48x48", {{"img_size", "48"}, {"window_size", "6"}}},
      // The masks tell it.
      {"microsoft.pth", "timm", "timm", "64x64"},
      {"torchvision.pth", "torchvision-swin", "torchvision", "32x32"},
      {"torchvision.pth", "torchvision-swin", "torchvision", "28x36", {{"img_size", "28,36"}}},
      {"torchvision.pth", "torchvision-swin", "torchvision", "20x20", {{"img_size", "20"}}},
      {"hf", "hf-swin", "hf", "32x32"},
      {"hf", "hf-swin", "hf", "28x36", {{"img_size", "28,36"}}},
  };
  for (const Case& c : cases) {
    const std::string name = std::string(c.logits) + "_" + c.size;
    SCOPED_TRACE(std::string(c.file) + " as " + name);
    const LoadedModel loaded = load_model(golden(c.file), with(c.settings));
    EXPECT_EQ(loaded.origin, c.origin);
    const double error = test::relative_error(logits_of(loaded, c.size).span(), formats::at(expected(), name));
    EXPECT_LE(error, 2e-6);
  }
}

TEST(SwinOrigins, ArchitecturesFollowFromShapes) {
  const auto architecture = [](const char* file, const models::Settings& settings = {}) {
    return nlohmann::json::parse(load_model(golden(file), with(settings)).info.architecture);
  };
  const auto timm = architecture("timm.safetensors");
  EXPECT_EQ(timm["family"], "swin");
  EXPECT_EQ(timm["embed_dim"], 8);
  EXPECT_EQ(timm["depths"], nlohmann::json({2, 2}));
  EXPECT_EQ(timm["num_heads"], nlohmann::json({2, 4}));
  EXPECT_EQ(timm["window_size"], nlohmann::json({4}));
  EXPECT_EQ(timm["num_classes"], 5);
  EXPECT_EQ(timm["img_size"], nlohmann::json({32, 32}));
  EXPECT_EQ(architecture("microsoft.pth")["img_size"], nlohmann::json({64, 64}));
  const LoadedModel assumed = load_model(golden("timm.safetensors"));
  ASSERT_EQ(assumed.account.assumed.size(), 1u);
  EXPECT_NE(assumed.account.assumed[0].find("size of the pictures"), std::string::npos);
  EXPECT_TRUE(load_model(golden("microsoft.pth")).account.assumed.empty());
  EXPECT_EQ(load_model(golden("hf")).info.class_names,
            (std::vector<std::string>{"tench", "goldfish", "shark", "ray", "cock"}));
}

// Written under every naming and read back, the same logits.
TEST(SwinOrigins, AreWrittenAndReadBack) {
  const test::TemporaryFolder folder;
  for (const auto& [file, to] :
       {std::pair{"timm.safetensors", "timm"}, {"torchvision.pth", "torchvision-swin"}, {"hf", "hf-swin"}}) {
    SCOPED_TRACE(to);
    const LoadedModel loaded = load_model(golden(file));
    formats::write_safetensors(folder / "w.safetensors", exported(*loaded.model, to));
    const LoadedModel again = load_model(folder / "w.safetensors");
    EXPECT_EQ(again.origin, to);
    const Tensor before = logits_of(loaded, "32x32"), after = logits_of(again, "32x32");
    for (int64_t i = 0; i < before.numel(); ++i) EXPECT_EQ(before.data()[i], after.data()[i]);
    EXPECT_EQ(difference(*loaded.model, to), "");
  }
  const LoadedModel hf = load_model(golden("hf"));
  EXPECT_THROW(exported(*hf.model, "jax"), Error);
}

// transformers 5 calls the modules otherwise, some as timm does.
// Where windows stick out of the map, libraries pad and roll in different orders.
TEST(SwinOrigins, WhatIsOtherwiseAtTheEdgesIsSaid) {
  const auto of = [](const char* side) {
    return models::build(models::with_settings(models::architecture_of("swin_cifar"), {{"img_size", side}}));
  };
  EXPECT_EQ(difference(*of("32"), "hf"), "");
  EXPECT_EQ(difference(*of("36"), "timm"), "");
  for (const char* library : {"hf", "torchvision"})
    EXPECT_NE(difference(*of("36"), library).find("edges"), std::string::npos) << library;
}

TEST(SwinOrigins, NewNamesOfHuggingFaceAreItsOwn) {
  const LoadedModel loaded = load_model(golden("hf"));
  formats::NamedArrays arrays = exported(*loaded.model, "hf-swin");
  for (auto& [name, array] : arrays)
    for (const auto& [before, now] :
         {std::pair<std::string, std::string>{"self.query", "q_proj"},
          {"self.key", "k_proj"},
          {"self.value", "v_proj"},
          {"attention.output.dense", "attention.o_proj"},
          {"self.relative_position_bias_table", "relative_position_bias.relative_position_bias_table"},
          {"intermediate.dense", "mlp.fc1"},
          {"output.dense", "mlp.fc2"}})
      if (const size_t at = name.find(before); at != name.npos) name.replace(at, before.size(), now);
  const test::TemporaryFolder folder;
  formats::write_safetensors(folder / "model.safetensors", arrays);
  const LoadedModel again = load_model(folder / "model.safetensors");
  EXPECT_EQ(again.origin, "hf-swin");
  const Tensor before = logits_of(loaded, "32x32"), after = logits_of(again, "32x32");
  for (int64_t i = 0; i < before.numel(); ++i) EXPECT_EQ(before.data()[i], after.data()[i]);
}

TEST(SwinOrigins, PicturesArePreparedAsAtTheirOrigin) {
  const image::Preprocess timm = infer::preprocess_of(load_model(golden("timm.safetensors")));
  EXPECT_EQ(timm.crop_pct, 0.9);
  EXPECT_EQ(timm.mean, (std::vector<double>{0.485, 0.456, 0.406}));
  EXPECT_EQ(timm.interpolation, "bicubic");
  const image::Preprocess torchvision =
      infer::preprocess_of(load_model(golden("torchvision.pth"), with({{"img_size", "224"}})));
  EXPECT_EQ(torchvision.resize_height, 232);
  EXPECT_EQ(torchvision.interpolation, "bicubic");
  const image::Preprocess hf = infer::preprocess_of(load_model(golden("hf")));
  EXPECT_EQ(hf.crop_mode, "squash");
  EXPECT_EQ(hf.mean, (std::vector<double>{0.485, 0.456, 0.406}));
}

}  // namespace
}  // namespace tessera::weights
