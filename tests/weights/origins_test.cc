// Files of every origin against the logits of the code that they come from.
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "tessera/formats/npz.h"
#include "tessera/formats/safetensors.h"
#include "tessera/formats/tensor.h"
#include "tessera/infer/classifier.h"
#include "tessera/ops/tap.h"
#include "tessera/ops/tape.h"
#include "tessera/weights/export.h"
#include "tessera/weights/model_file.h"
#include "tests/golden_model.h"
#include "tests/support.h"

namespace tessera::weights {
namespace {

using infer::channels_last;

Tensor logits_of(const LoadedModel& loaded, const Tensor& images) {
  const ops::NoGrad no_grad;
  return loaded.model->forward(images);
}

double largest_difference(const Tensor& ours, const formats::Array& expected) {
  const std::vector<float> theirs = formats::to_f32(expected);
  if (ours.numel() != std::ssize(theirs)) return INFINITY;
  double worst = 0;
  for (size_t i = 0; i < theirs.size(); ++i) worst = std::max<double>(worst, std::abs(ours.span()[i] - theirs[i]));
  return worst;
}

LoadOptions with_heads(int heads) { return {.set = {{"num_heads", std::to_string(heads)}}}; }

std::filesystem::path tiny(const std::string& name) { return test::golden_path("origins/tiny/" + name); }

// One set of weights as 45 writers store it.
TEST(Origins, EveryTinyFileGivesItsLogits) {
  const auto files = nlohmann::json::parse(read_text(tiny("files.json")))["files"];
  const formats::SafeTensors expect = formats::read_safetensors(tiny("expect.safetensors"));
  const Tensor images = channels_last(formats::to_tensor(formats::at(expect.arrays, "input")));
  int count = 0;
  for (const auto& [name, file] : files.items()) {
    if (file["logits"].is_null()) continue;
    const LoadedModel loaded = load_model(tiny(name), with_heads(3));
    EXPECT_EQ(loaded.origin, file["origin"]) << name;
    EXPECT_LE(
        largest_difference(logits_of(loaded, images), formats::at(expect.arrays, file["logits"].get<std::string>())),
        1e-5)
        << name;
    ++count;
  }
  EXPECT_EQ(count, 45);
}

// What a file says of heads needs no option: config.json, or an axis of JAX's kernels.
TEST(Origins, HeadsAreTakenFromWhereTheyStand) {
  for (const char* name : {"hf", "hf_sharded", "hf_tanh", "jax.npz", "jax_scan.npz"})
    EXPECT_NO_THROW(load_model(tiny(name))) << name;
  const std::string error = test::error_of([] { load_model(tiny("timm.pth")); });
  EXPECT_NE(error.find("timm.pth: nothing in the weights tells how many heads"), std::string::npos) << error;
  EXPECT_NE(error.find("--set num_heads=N (of a width of 24)"), std::string::npos) << error;
}

TEST(Origins, ConfigsGiveClassesEpsilonAndActivation) {
  const LoadedModel loaded = load_model(tiny("hf_tanh"));
  EXPECT_EQ(loaded.info.class_names, (std::vector<std::string>{"tench", "goldfish", "shark", "ray", "cock"}));
  const auto architecture = nlohmann::json::parse(loaded.info.architecture);
  EXPECT_EQ(architecture["act"], "gelu_tanh");
  EXPECT_EQ(architecture["norm_eps"], 1e-6);
}

TEST(Origins, GooglesOwnLogits) {
  for (const char* name : {"vit_token", "vit_gap", "vit_unpooled", "hybrid_root", "hybrid_stages"}) {
    const std::string base = std::string("origins/jax/") + name;
    LoadOptions options;
    if (name == std::string("vit_unpooled")) options.set = {{"global_pool", "none"}};
    const LoadedModel loaded = load_model(test::golden_path(base + ".npz"), options);
    const formats::SafeTensors expect = formats::read_safetensors(test::golden_path(base + ".safetensors"));
    const Tensor logits = logits_of(loaded, formats::to_tensor(formats::at(expect.arrays, "input_nhwc")));
    EXPECT_LE(largest_difference(logits, formats::at(expect.arrays, "logits")), 1e-5) << name;
  }
}

// Under their own names and timm's, and back. What timm's code does otherwise is told.
TEST(Origins, HybridsAreWrittenAndReadBack) {
  const test::TemporaryFolder folder;
  for (const char* name : {"hybrid_root", "hybrid_stages"}) {
    const std::string base = std::string("origins/jax/") + name;
    const LoadedModel loaded = load_model(test::golden_path(base + ".npz"));
    const Tensor images = formats::to_tensor(
        formats::at(formats::read_safetensors(test::golden_path(base + ".safetensors")).arrays, "input_nhwc"));
    const Tensor logits = logits_of(loaded, images);
    formats::write_npz(folder / "w.npz", exported(*loaded.model, "jax"));
    const formats::NamedArrays timm = exported(*loaded.model, "timm");
    formats::write_safetensors(folder / "w.safetensors", timm);
    EXPECT_EQ(largest_difference(logits, formats::array_of(logits_of(load_model(folder / "w.npz"), images))), 0)
        << name;
    LoadOptions options = with_heads(2);
    for (const auto& [key, value] : {std::pair{"act", "gelu_tanh"}, std::pair{"backbone_norm_eps", "1e-6"},
                                     std::pair{"weight_std", "deviation"}, std::pair{"weight_std_eps", "1e-5"}})
      options.set.emplace_back(key, value);
    EXPECT_EQ(
        largest_difference(logits, formats::array_of(logits_of(load_model(folder / "w.safetensors", options), images))),
        0)
        << name;
    EXPECT_NE(difference(*loaded.model, "timm").find("weight_std is \"deviation\" here"), std::string::npos);
    EXPECT_EQ(difference(*loaded.model, "jax"), "");
    // timm's backbone of the root alone is its stem.
    const bool stages = name == std::string("hybrid_stages");
    EXPECT_NO_THROW(
        formats::at(timm, stages ? "patch_embed.backbone.stem.conv.weight" : "patch_embed.backbone.conv.weight"));
  }
}

struct GoldenFile {
  test::GoldenCase golden;
  test::TemporaryFolder folder;
  std::filesystem::path path;

  // The weights of a case of tests/golden/models as a file under its origin's names.
  explicit GoldenFile(const std::string& name)
      : golden(test::read_golden_case(test::golden_path("models/" + name + ".json"))),
        path(folder / (name + ".safetensors")) {
    formats::NamedArrays arrays;
    for (const test::GoldenTensor& tensor : golden.tensors)
      arrays.emplace_back(tensor.name, formats::array_of(test::golden_values(tensor), tensor.shape));
    formats::write_safetensors(path, arrays);
  }
  Tensor images() const {
    const Tensor input = test::golden_tensor(golden.inputs.at(0));
    return golden.origin == "jax" ? input : channels_last(input);
  }
};

struct GoldenOrigin {
  const char* name;
  models::Settings settings;  // what no file of the case would say
  bool resized = false;       // to another number of tokens than the weights have
};

class GoldenOrigins : public testing::TestWithParam<GoldenOrigin> {};

// What the tap is called that the origin's intermediate of this name is; empty for tables, and for what
// tests/models/golden_vit_test.cc compares in another layout.
std::string tap_of(std::string name) {
  for (const auto& [theirs, ours] : {std::pair{"encoderblock_", "blocks."},
                                     {"layer.", "blocks."},
                                     {"embeddings", "pos_added"},
                                     {"encoder_norm", "features"}})
    if (name.rfind(theirs, 0) == 0) return ours + name.substr(std::string(theirs).size());
  for (const char* other : {"logits", "logits_erf", "rel_pos_bias", "pos_embed", "pos_embedding"})
    if (name == other) return "";
  return name.rfind("backbone.", 0) == 0 ? "" : name;
}

TEST_P(GoldenOrigins, LogitsAndIntermediatesWithinTheStrictBound) {
  const GoldenFile file(GetParam().name);
  const LoadedModel loaded = load_model(file.path, {.set = GetParam().settings});
  EXPECT_EQ(loaded.model->num_parameters() == file.golden.parameters, !GetParam().resized);
  EXPECT_LE(test::relative_error(logits_of(loaded, file.images()).span(), formats::at(file.golden.expect, "logits")),
            file.golden.strict_rel);

  const ops::Taps taps([](const std::string& name) { return name.find("probabilities") == std::string::npos; });
  logits_of(loaded, file.images());
  for (const auto& [name, expected] : file.golden.expect) {
    const std::string tap = tap_of(name);
    if (tap.empty() || expected.shape.rank() > 3) continue;
    const Tensor ours = taps.at(tap);
    if (name == "pooled" && ours.numel() != expected.shape.numel()) continue;  // theirs is behind pre_logits
    EXPECT_LE(test::relative_error(ours.span(), expected), file.golden.strict_rel) << name;
  }
}

const models::Settings kThree = {{"num_heads", "3"}};
INSTANTIATE_TEST_SUITE_P(
    Cases, GoldenOrigins,
    testing::Values(GoldenOrigin{"tiny_hf_vit", kThree}, GoldenOrigin{"tiny_hf_vit_eps", kThree},
                    GoldenOrigin{"hf_vit_tiny_224", kThree}, GoldenOrigin{"jax_vit_tiny", {}},
                    GoldenOrigin{"jax_vit_tiny_prelogits", {}}, GoldenOrigin{"jax_bigvision_gap_tiny", {}},
                    GoldenOrigin{"tiny_lucidrains_vit", kThree}, GoldenOrigin{"tiny_lucidrains_vit_mean", kThree},
                    GoldenOrigin{"tiny_simplevit", {{"num_heads", "3"}, {"img_size", "[32, 40]"}}},
                    GoldenOrigin{"vit_b_32", {}}, GoldenOrigin{"tiny_hybrid", kThree},
                    GoldenOrigin{"vit_small_r26_s32_224", {}}, GoldenOrigin{"tiny_deit_distilled", kThree},
                    GoldenOrigin{"tiny_vit_map", kThree}, GoldenOrigin{"tiny_vit_swiglu", kThree},
                    GoldenOrigin{"tiny_vit_swiglu_packed", kThree}, GoldenOrigin{"tiny_vit_reg4_noembed", kThree},
                    GoldenOrigin{"tiny_vit_layerscale", kThree}, GoldenOrigin{"tiny_vit_prenorm", kThree},
                    GoldenOrigin{"tiny_vit_qknorm", {}}, GoldenOrigin{"tiny_relpos_bias_cls", {}},
                    GoldenOrigin{"tiny_vit_avg_fcnorm", {{"num_heads", "3"}}},
                    GoldenOrigin{"tiny_relpos_mlp", {{"img_size", "32"}}},
                    GoldenOrigin{"tiny_relpos_shared", {{"img_size", "32"}}},
                    // Of another size than the weights: their positions are resampled as timm does.
                    GoldenOrigin{"tiny_vit_dynamic", {{"num_heads", "3"}, {"img_size", "[48, 40]"}}, true},
                    GoldenOrigin{"tiny_vit_dynamic_down", {{"num_heads", "3"}, {"img_size", "[24, 32]"}}, true}),
    [](const auto& info) { return std::string(info.param.name); });

// Google's own code approximates GELU; timm runs the same weights with erf.
TEST(Origins, BothGelusOfJaxWeights) {
  const GoldenFile file("jax_vit_tiny");
  const LoadedModel loaded = load_model(file.path, {.set = {{"act", "gelu_erf"}}});
  EXPECT_LE(
      test::relative_error(logits_of(loaded, file.images()).span(), formats::at(file.golden.expect, "logits_erf")),
      file.golden.strict_rel);
}

// There and back: every kind of file that can be written gives the logits of the file that it was made of.
TEST(Origins, WhatIsWrittenIsReadBack) {
  const test::TemporaryFolder folder;
  const formats::SafeTensors expect = formats::read_safetensors(tiny("expect.safetensors"));
  const Tensor images = channels_last(formats::to_tensor(formats::at(expect.arrays, "input")));
  const std::pair<const char*, const char*> cases[] = {{"timm.pth", "timm"},
                                                       {"timm.pth", "torchvision"},
                                                       {"torchvision.pth", "timm"},
                                                       {"timm.pth", "hf"},
                                                       {"hf", "hf"},
                                                       {"jax.npz", "jax"},
                                                       {"jax_prelogits.npz", "jax"},
                                                       {"torchvision_prelogits.pth", "torchvision"}};
  for (const auto& [name, origin] : cases) {
    const LoadedModel loaded = load_model(tiny(name), with_heads(3));
    const formats::NamedArrays arrays = exported(*loaded.model, origin);
    const bool npz = origin == std::string("jax");
    const std::filesystem::path path = folder / (npz ? "w.npz" : "w.safetensors");
    if (npz)
      formats::write_npz(path, arrays);
    else
      formats::write_safetensors(path, arrays);
    LoadOptions options = with_heads(3);
    const auto architecture = nlohmann::json::parse(loaded.info.architecture);
    options.set.emplace_back("norm_eps", architecture["norm_eps"].dump());
    const LoadedModel again = load_model(path, options);
    EXPECT_EQ(again.origin, origin);
    const Tensor a = logits_of(loaded, images), b = logits_of(again, images);
    EXPECT_EQ(std::vector<float>(a.span().begin(), a.span().end()),
              std::vector<float>(b.span().begin(), b.span().end()))
        << name << " as " << origin;
  }
}

TEST(Origins, NothingIsWrittenThatTheOtherLibraryHasNoPlaceFor) {
  const GoldenFile file("tiny_vit_layerscale");
  const LoadedModel loaded = load_model(file.path, with_heads(3));
  const std::string error = test::error_of([&] { exported(*loaded.model, "torchvision"); });
  EXPECT_NE(error.find("'blocks.0.ls1.gamma'"), std::string::npos) << error;
  const LoadedModel tanh = load_model(tiny("jax.npz"));
  EXPECT_NE(test::error_of([&] { exported(*tanh.model, "torchvision"); }).find("act"), std::string::npos);
  EXPECT_NE(difference(*tanh.model, "timm").find("act is \"gelu_tanh\" here"), std::string::npos);
  EXPECT_EQ(difference(*tanh.model, "jax"), "");
}

}  // namespace
}  // namespace tessera::weights
