#include "tessera/image/preprocess_config.h"

#include <gtest/gtest.h>

#include "tessera/core/error.h"
#include "tests/support.h"

namespace tessera::image {
namespace {

using test::error_of;

const std::vector<double> kHalf = {0.5, 0.5, 0.5};

// What Hugging Face's ViT does, to be changed.
Preprocess vit() {
  return {.crop_mode = "squash",
          .resize_height = 224,
          .resize_width = 224,
          .interpolation = "bilinear",
          .floor_crop = true,
          .mean = kHalf,
          .std = kHalf};
}

Preprocess from(const char* json) {
  const auto how = preprocess_from(json, "config.json");
  EXPECT_TRUE(how) << json;
  return how.value_or(Preprocess{});
}

TEST(PreprocessConfig, ReadsHuggingFacesProcessors) {
  EXPECT_EQ(from(R"({"image_processor_type": "ViTImageProcessor", "do_normalize": true, "do_rescale": true,
                     "do_resize": true, "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5], "resample": 2,
                     "rescale_factor": 0.00392156862745098, "size": {"height": 224, "width": 224}})"),
            vit());
  Preprocess how = vit();
  how.height = how.resize_height = 96;
  how.width = how.resize_width = 140;
  how.interpolation = "lanczos";
  how.mean = {0, 0, 0};
  how.std = {1, 1, 1};
  EXPECT_EQ(from(R"({"image_processor_type": "ViTImageProcessorFast", "do_normalize": false, "resample": 1,
                     "size": {"height": 96, "width": 140}})"),
            how);
}

TEST(PreprocessConfig, ReadsOldFeatureExtractors) {
  Preprocess how = vit();
  EXPECT_EQ(from(R"({"feature_extractor_type": "ViTFeatureExtractor", "do_normalize": true, "do_resize": true,
                     "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5], "resample": 2, "size": 224})"),
            how);
  how.resize_height = how.resize_width = 256;
  how.interpolation = "bicubic";
  how.mean = {0.485, 0.456, 0.406};
  how.std = {0.229, 0.224, 0.225};
  EXPECT_EQ(from(R"({"feature_extractor_type": "DeiTFeatureExtractor", "do_center_crop": true, "crop_size": 224,
                     "image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225], "resample": 3,
                     "size": 256})"),
            how);
}

TEST(PreprocessConfig, KnowsWhatASizeIsOf) {
  const Preprocess clip = from(R"({"image_processor_type": "CLIPImageProcessor", "size": 90, "crop_size": [131, 70]})");
  EXPECT_EQ(clip.crop_mode, "center");
  EXPECT_EQ(clip.resize_height, 90);
  EXPECT_EQ(clip.height, 131);
  EXPECT_EQ(clip.width, 70);
  const Preprocess small =
      from(R"({"image_processor_type": "ConvNextImageProcessor", "size": {"shortest_edge": 224}})");
  EXPECT_EQ(small.crop_mode, "center");
  EXPECT_EQ(small.resize_width, 256);
  EXPECT_EQ(small.width, 224);
  EXPECT_EQ(from(R"({"image_processor_type": "ConvNextImageProcessor"})").crop_mode, "squash");
  EXPECT_EQ(from(R"({"image_processor_type": "LevitFeatureExtractor", "size": 192})").resize_width, 219);
}

TEST(PreprocessConfig, TurnsAnotherFactorIntoMeanAndDeviation) {
  const Preprocess how = from(R"({"image_processor_type": "ViTImageProcessor", "rescale_factor": 0.00784313725490196,
                                  "image_mean": [1, 1, 1], "image_std": [1, 1, 1]})");
  for (const double value : {how.mean[0], how.std[2]}) EXPECT_NEAR(value, 0.5, 1e-12);
  EXPECT_EQ(from(R"({"image_processor_type": "ViTImageProcessor", "do_rescale": false})").std[0], 0.5 / 255);
}

TEST(PreprocessConfig, ReadsTimmsOldAndNew) {
  Preprocess how;
  how.height = 240;
  how.width = 288;
  how.crop_pct = 0.95;
  how.crop_mode = "squash";
  how.interpolation = "bilinear";
  how.mean = how.std = kHalf;
  const std::string entries =
      R"("input_size": [3, 240, 288], "interpolation": "bilinear", "crop_pct": 0.95, "crop_mode": "squash",
         "mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5], "test_input_size": [3, 300, 300])";
  EXPECT_EQ(from(("{" + entries + "}").c_str()), how);
  EXPECT_EQ(from((R"({"architecture": "vit", "num_classes": 10, "pretrained_cfg": {)" + entries + "}}").c_str()), how);
  EXPECT_EQ(from(R"({"pretrained_cfg": {"interpolation": null}})"), Preprocess{});
  const Preprocess gray = from(R"({"pretrained_cfg": {"input_size": [1, 28, 28]}})");
  ASSERT_EQ(gray.mean.size(), 1u);
  EXPECT_NEAR(gray.mean[0], (0.485 + 0.456 + 0.406) / 3, 1e-12);
}

TEST(PreprocessConfig, SaysNothingOfOtherObjects) {
  EXPECT_FALSE(
      preprocess_from(R"({"architectures": ["ViTForImageClassification"], "image_size": 224})", "config.json"));
  EXPECT_FALSE(preprocess_from("{}", "config.json"));
}

TEST(PreprocessConfig, NamesWhatItCannotDo) {
  const auto message = [](const char* json) { return error_of([&] { preprocess_from(json, "a/config.json"); }); };
  EXPECT_EQ(message("{"), "a/config.json: not a JSON object");
  EXPECT_EQ(message("[1]"), "a/config.json: not a JSON object");
  EXPECT_EQ(message(R"({"do_resize": true, "do_flip_channel_order": true})"),
            "a/config.json: pictures cannot be prepared with 'do_flip_channel_order'");
  EXPECT_EQ(message(R"({"do_resize": false})"),
            "a/config.json: pictures cannot be prepared without a resize ('do_resize' is false)");
  EXPECT_EQ(message(R"({"do_resize": true, "size": "224"})"), "a/config.json: 'size' cannot be \"224\"");
  EXPECT_EQ(message(R"({"do_resize": true, "size": 0})"), "a/config.json: 'size' cannot be 0");
  EXPECT_EQ(message(R"({"do_resize": true, "resample": 9})"), "a/config.json: 'resample' cannot be 9");
  EXPECT_EQ(message(R"({"pretrained_cfg": {"input_size": [224]}})"), "a/config.json: 'input_size' cannot be [224]");
  EXPECT_NE(message(R"({"pretrained_cfg": {"crop_mode": "middle"}})").find("'middle'"), std::string::npos);
  EXPECT_NE(message(R"({"do_resize": true, "image_std": [0, 1, 1]})").find("std"), std::string::npos);
}

TEST(PreprocessConfig, KnowsTheHabitsOfLibraries) {
  const auto of = [](const char* library, const char* model, int64_t side) {
    return usual_preprocess(library, model, side, side);
  };
  EXPECT_EQ(of("timm", "vit_base_patch16_224", 224).crop_pct, 0.9);
  EXPECT_EQ(of("timm", "vit_base_patch16_384", 384).crop_pct, 1.0);
  EXPECT_EQ(of("timm", "vit_base_patch16_224", 224).mean, kHalf);
  EXPECT_EQ(of("timm", "deit_tiny_patch16_224", 224).mean, Preprocess{}.mean);
  EXPECT_EQ(of("torchvision", "vit_b_16", 224).interpolation, "bilinear");
  EXPECT_EQ(of("torchvision", "vit_b_16", 224).crop_pct, 0.875);
  EXPECT_EQ(of("timm", "convmixer", 224).crop_pct, 0.96);
  EXPECT_EQ(of("timm-vgg", "vgg", 224).interpolation, "bilinear");
  EXPECT_EQ(of("compact", "cct", 224).crop_pct, 0.9);
  EXPECT_EQ(of("compact", "cct", 32).crop_pct, 1.0);
  EXPECT_EQ(of("compact", "cct", 32).std, (std::vector<double>{0.2470, 0.2435, 0.2616}));
  Preprocess hf = of("hf", "vit", 224);
  hf.resize_height = hf.resize_width = 224;
  hf.crop_pct = vit().crop_pct;
  EXPECT_EQ(hf, vit());
  EXPECT_EQ(of("jax", "vit", 224).crop_mode, "squash");
  EXPECT_EQ(of("", "", 32).height, 32);
  EXPECT_EQ(usual_preprocess("timm", "vit_mnist", 28, 28, 1).mean, std::vector<double>{0.5});
}

}  // namespace
}  // namespace tessera::image
