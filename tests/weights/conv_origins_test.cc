// Convolutional networks as torchvision, timm and Hugging Face write them, against the logits of the code that they
// come from, with nothing said about the model; weights by formula from the original's names (origins/conv/make.py).
#include <gtest/gtest.h>

#include <algorithm>

#include "tessera/core/file.h"
#include "tessera/formats/safetensors.h"
#include "tessera/image/preprocess_config.h"
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
    [](const auto& info) { return std::filesystem::path(info.param.file).stem().string(); });

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
  const auto prepared = [](const char* golden, const char* file) {
    const test::TemporaryFolder folder;
    write(folder / file, test::read_golden_case(test::golden_path(golden)));
    return infer::preprocess_of(load_model(folder / file));
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

TEST(ConvOriginsApart, TheSecondWeightsArePreparedAsTorchvisionSays) {
  const image::Preprocess how =
      image::usual_preprocess("torchvision-efficientnet", "efficientnet_b1-c27df63c", 240, 240, 3);
  EXPECT_EQ(how.resize_height, 255);
  EXPECT_EQ(how.interpolation, "bilinear");
  EXPECT_EQ(image::usual_preprocess("torchvision-efficientnet", "w", 240, 240, 3).resize_height, 256);
}

// A model that several registered ones could be says so, unless somebody named one.
TEST(ConvOriginsApart, WhatShapesDoNotTellIsAssumed) {
  const test::TemporaryFolder folder;
  write(folder / "w.safetensors", test::read_golden_case(test::golden_path("models/mobilenet_v2.json")));
  const LoadedModel loaded = load_model(folder / "w.safetensors");
  ASSERT_EQ(loaded.account.assumed.size(), 1u);
  EXPECT_NE(loaded.account.assumed[0].find("mobilenet_v2_cifar"), std::string::npos);
  for (const char* name : {"mobilenet_v2", "mobilenet_v2_cifar"}) {
    const LoadedModel named =
        load_model(folder / "w.safetensors",
                   {.architecture = models::with_settings(models::architecture_of(name), {{"num_classes", "1000"}})});
    EXPECT_TRUE(named.account.assumed.empty()) << named.account.assumed[0];
    EXPECT_EQ(nlohmann::json::parse(named.info.architecture)["stem_stride"],
              std::string(name) == "mobilenet_v2" ? 2 : 1);
  }
}

// Networks of the same names and shapes that compute otherwise.
TEST(ConvOriginsApart, WhatComputesOtherwiseIsRefusedByItsName) {
  const auto refused = [](const char* golden, const char* file, const char* config, const char* why) {
    const test::TemporaryFolder folder;
    write(folder / file, test::read_golden_case(test::golden_path(golden)));
    if (*config != 0) write_atomically(folder / "config.json", std::string_view(config));
    try {
      load_model(folder / file);
      ADD_FAILURE() << file << " was taken";
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find(why), std::string::npos) << error.what();
    }
  };
  const char* const timm = "origins/conv/timm_efficientnet_b0.json";
  refused(timm, "tf_efficientnet_b0.safetensors", "", "TensorFlow");
  refused(timm, "model.safetensors", R"({"architecture": "tf_efficientnet_b0"})", "TensorFlow");
  refused("models/resnet18.json", "resnetblur18.safetensors", "", "blurs");
}

// Sizes that no registered model has are the user's to say, whatever the naming.
TEST(ConvOriginsApart, OtherSizesAreSaid) {
  for (const auto& [name, library, settings] :
       {std::tuple{"mobilenet_v2", "timm", models::Settings{{"width_mult", "0.5"}, {"num_classes", "3"}}},
        {"mobilenet_v2", "torchvision", {{"width_mult", "0.5"}, {"num_classes", "3"}}}}) {
    const auto model = models::build(models::with_settings(models::architecture_of(name), settings));
    model->initialise(1);
    const test::TemporaryFolder folder;
    formats::write_safetensors(folder / "w.safetensors", exported(*model, library));
    EXPECT_THROW(load_model(folder / "w.safetensors"), Error);
    const LoadedModel again =
        load_model(folder / "w.safetensors", {.architecture = models::architecture_of(name), .set = settings});
    EXPECT_EQ(again.model->num_parameters(), model->num_parameters());
    EXPECT_TRUE(std::ranges::equal(again.model->state().front().tensor->span(), model->state().front().tensor->span()));
  }
}

// As torchvision's own files have them, written before its names had to be without dots.
TEST(ConvOriginsApart, DenseNetsOldNamesAreItsNewOnes) {
  const test::GoldenCase golden = test::read_golden_case(test::golden_path("models/densenet121.json"));
  formats::NamedArrays arrays;
  for (const test::GoldenTensor& tensor : golden.tensors) {
    std::string name = tensor.name;
    if (const size_t layer = name.find("denselayer"); layer != std::string::npos)
      for (const std::string part : {".norm1.", ".norm2.", ".conv1.", ".conv2."})
        if (const size_t at = name.find(part, layer); at != std::string::npos) name.insert(at + 5, ".");
    if (!tensor.integers) arrays.emplace_back(name, formats::array_of(test::golden_values(tensor), tensor.shape));
  }
  const test::TemporaryFolder folder;
  formats::write_safetensors(folder / "w.safetensors", arrays);
  const LoadedModel loaded = load_model(folder / "w.safetensors");
  EXPECT_EQ(loaded.origin, "torchvision-densenet");
  const Tensor logits = logits_of(loaded, golden);
  EXPECT_LE(test::relative_error(logits.span(), formats::at(golden.expect, "logits")), golden.strict_rel);
}

// Of any sizes: blocks are counted.
TEST(ConvOriginsApart, ResNetsAreToldByTheirShapes) {
  for (const char* keys :
       {R"({"layers": [2, 2, 2, 2], "num_classes": 7})",
        R"({"layers": [1, 1, 5, 1], "groups": 32, "width_per_group": 4, "in_chans": 1})",
        R"({"layers": [3, 1], "width": 32, "width_per_group": 128, "num_classes": 0})",
        R"({"block": "basic", "stem": "cifar", "img_size": 32, "layers": [2, 3, 2], "width": 16})"}) {
    const auto architecture = nlohmann::json::parse(keys);
    models::Settings settings = {{"family", "resnet"}};
    for (const auto& [key, value] : architecture.items()) settings.emplace_back(key, value.dump());
    const auto model = models::build(models::with_settings("{}", settings));
    model->initialise(1);
    formats::NamedArrays arrays;
    for (const nn::Parameter& parameter : model->state())
      arrays.emplace_back(parameter.name, formats::view_of<float>(parameter.tensor->span(), parameter.tensor->shape()));
    const test::TemporaryFolder folder;
    formats::write_safetensors(folder / "wide_resnet50.safetensors", arrays);
    const LoadedModel again = load_model(folder / "wide_resnet50.safetensors");
    EXPECT_EQ(nlohmann::json::parse(again.info.architecture), nlohmann::json::parse(model->architecture()));
    EXPECT_EQ(again.name, "");  // not the resnet50 that the file's name has in it
  }
}

// The head of a GoogLeNet is the last layers of its auxiliary classifiers, too.
TEST(ConvOriginsApart, GoogLeNetIsTunedForOtherClasses) {
  const auto model =
      models::build(models::with_settings(models::architecture_of("googlenet"), {{"aux_logits", "true"}}));
  model->initialise(1);
  EXPECT_EQ(model->layer_of("aux1.fc1.weight"), model->layer_of("inception4a.branch1.conv.weight"));
  EXPECT_EQ(model->layer_of("aux2.fc2.weight"), model->num_layers() - 1);
  const test::TemporaryFolder folder;
  formats::write_safetensors(folder / "w.safetensors", exported(*model, "torchvision"));
  LoadOptions options{.set = {{"num_classes", "3"}}};
  options.fill.fresh_head = true;
  const LoadedModel tuned = load_model(folder / "w.safetensors", options);
  EXPECT_EQ(tuned.model->num_classes(), 3);
  EXPECT_EQ(tuned.account.fresh.size(), 6u);
}

// timm has one epsilon for all EfficientNets, torchvision another from B5 on.
TEST(ConvOriginsApart, EpsilonsAreThoseOfTheOrigin) {
  const auto narrow = [](const char* eps) {
    return models::build(models::with_settings(models::architecture_of("efficientnet_b5"),
                                               {{"num_classes", "3"}, {"img_size", "64"}, {"norm_eps", eps}}));
  };
  const auto model = narrow("1e-5");
  model->initialise(1);
  EXPECT_EQ(difference(*model, "timm"), "");
  EXPECT_NE(difference(*model, "torchvision").find("norm_eps"), std::string::npos);
  EXPECT_NE(difference(*narrow("1e-3"), "timm").find("norm_eps"), std::string::npos);
  const test::TemporaryFolder folder;
  formats::write_safetensors(folder / "w.safetensors", exported(*model, "timm"));
  const LoadedModel loaded = load_model(folder / "w.safetensors");
  EXPECT_EQ(nlohmann::json::parse(loaded.info.architecture)["norm_eps"], 1e-5);
  const auto remarks = [](const LoadedModel& of, const char* part) {
    return std::ranges::count_if(of.account.assumed,
                                 [&](const std::string& line) { return line.find(part) != std::string::npos; });
  };
  EXPECT_EQ(remarks(loaded, "norm_"), 0);

  // The registered model is torchvision's. Whoever names it for timm's weights is told.
  LoadOptions named{.architecture = models::architecture_of("efficientnet_b5"),
                    .set = {{"num_classes", "3"}, {"img_size", "64"}, {"norm_momentum", "0.1"}}};
  const LoadedModel other = load_model(folder / "w.safetensors", named);
  EXPECT_EQ(nlohmann::json::parse(other.info.architecture)["norm_eps"], 1e-3);
  EXPECT_EQ(remarks(other, "--set norm_eps=1e-5"), 1);
  EXPECT_EQ(remarks(other, "norm_momentum"), 0);
  named.set.push_back({"norm_eps", "1e-3"});
  EXPECT_EQ(remarks(load_model(folder / "w.safetensors", named), "norm_"), 0);
}

TEST(ConvOriginsApart, WhatALibraryDoesNotHaveIsNotWrittenAsItsOwn) {
  for (const char* name : {"fccn_cifar", "lenet5", "cct_2_3x2_32"})
    EXPECT_THROW(exported(*models::build(models::architecture_of(name)), "timm"), Error) << name;
}

// A library has no form for small pictures, and would compute otherwise with these weights.
TEST(ConvOriginsApart, FormsForSmallPicturesAreNotWrittenAsLibrariesDo) {
  for (const auto& [name, library] : {std::pair{"mobilenet_v2_cifar", "torchvision"},
                                      {"mobilenet_v2_cifar", "timm"},
                                      {"resnet20_cifar", "timm"},
                                      {"vgg11_cifar", "torchvision"},
                                      {"alexnet_cifar", "torchvision"}})
    EXPECT_THROW(exported(*models::build(models::architecture_of(name)), library), Error) << name << " " << library;
}

}  // namespace
}  // namespace tessera::weights
