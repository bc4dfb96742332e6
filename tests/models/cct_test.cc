// Compact Transformers against the authors' definitions.
#include "tessera/models/registry.h"
#include "tessera/nn/positions.h"
#include "tessera/ops/softmax.h"
#include "tessera/ops/tap.h"
#include "tessera/ops/tape.h"
#include "tessera/ops/training.h"
#include "tests/models/golden_net.h"
#include "tests/support.h"
#include "tests/tensors.h"

namespace tessera::models {
namespace {

// The authors' constructor call as an architecture of ours.
std::string architecture_from(const std::string& name) {
  const nlohmann::json theirs = test::read_golden_case(test::golden_path("models/" + name + ".json")).architecture;
  nlohmann::json ours = {{"family", "cct"}};
  const std::pair<const char*, const char*> keys[] = {
      {"img_size", "img_size"},         {"in_chans", "in_chans"},       {"embedding_dim", "embed_dim"},
      {"n_conv_layers", "conv_layers"}, {"kernel_size", "kernel_size"}, {"stride", "stride"},
      {"padding", "padding"},           {"in_planes", "conv_width"},    {"num_layers", "depth"},
      {"num_heads", "num_heads"},       {"mlp_ratio", "mlp_ratio"},     {"num_classes", "num_classes"},
      {"norm_eps", "norm_eps"},         {"seq_pool", "seq_pool"}};
  for (const auto& [from, to] : keys)
    if (theirs.contains(from)) ours[to] = theirs[from];
  if (theirs["class"] != "CCT") ours["tokenizer"] = "patch";
  if (theirs["class"] == "ViTLite") ours["seq_pool"] = false;
  ours["pos_embed"] = theirs["positional_embedding"] == "sine" ? "sine" : "learn";
  return ours.dump();
}

test::GoldenNet net_of(const std::string& name) {
  return test::golden_net(name, architecture_from(name), true, [](const std::string& theirs) {
    return theirs.starts_with("blocks.") ? "classifier." + theirs : theirs;
  });
}

class GoldenCct : public testing::TestWithParam<const char*> {};

TEST_P(GoldenCct, AgreesWithItsOriginal) {
  test::GoldenNet net = net_of(GetParam());
  test::expect_outputs(net, [](const std::string& name) {  // of "attention_pool" the scores: see below
    return name == "positional_emb" ? nn::sincos_1d(100, 48) : Tensor();
  });
}

INSTANTIATE_TEST_SUITE_P(Cases, GoldenCct,
                         testing::Values("tiny_cct", "tiny_cct_sine", "tiny_vit_lite", "tiny_vit_lite_sine", "tiny_cvt",
                                         "cct_2_3x2_32", "cct_7_3x1_32"),
                         [](const auto& info) { return std::string(info.param); });

TEST(Cct, HasTheOriginalsGradients) {
  test::GoldenNet net = net_of("tiny_cct");
  test::expect_gradients(net);
}

// The original's scores are before the softmax, what explanation reads behind it.
TEST(Cct, OffersTheWeightsOfTheTokens) {
  test::GoldenNet net = net_of("tiny_cct");
  const ops::NoGrad no_grad;
  const ops::Taps taps;
  net.model->forward(net.images);
  const formats::Array& scores = formats::at(net.golden.expect, "attention_pool");  // (2, 36, 1)
  const Tensor expected = ops::softmax(Tensor::from({2, 36}, formats::to_f32(scores)));
  const Tensor& weights = taps.at("classifier.attention_pool");
  ASSERT_EQ(weights.shape(), (Shape{2, 1, 1, 36}));
  for (int64_t i = 0; i < expected.numel(); ++i) EXPECT_NEAR(weights.data()[i], expected.data()[i], 1e-6);
}

Tensor pictures(int64_t B) { return test::normal({B, 32, 32, 3}, "pictures"); }

TEST(Cct, DropsInTrainingAlone) {
  const auto model = build(with_settings(architecture_of("cct_2_3x2_32"),
                                         {{"drop_rate", "0.3"}, {"attn_drop_rate", "0"}, {"drop_path_rate", "0.5"}}));
  model->initialise(1);
  const ops::NoGrad no_grad;
  const Tensor x = pictures(2), once = model->forward(x), again = model->forward(x);
  EXPECT_TRUE(std::equal(once.span().begin(), once.span().end(), again.span().begin()));
  const auto trained = [&](uint64_t step) {
    const ops::TrainingState state(ops::Draws{.seed = 0, .step = step});
    return model->forward(x);
  };
  const Tensor first = trained(1), second = trained(2), repeated = trained(1);
  EXPECT_TRUE(std::equal(first.span().begin(), first.span().end(), repeated.span().begin()));
  EXPECT_FALSE(std::equal(first.span().begin(), first.span().end(), second.span().begin()));
}

// ViT-Lite by the authors' code: patches, a class token with a position of its own, the odd residual.
TEST(Cct, ViTLiteReadsItsClassToken) {
  const auto model = build(architecture_of("vit_2_4_32"));
  model->initialise(1);
  std::map<std::string, Shape> shapes;
  for (const nn::Parameter& parameter : model->parameters()) shapes[parameter.name] = parameter.tensor->shape();
  EXPECT_EQ(shapes.at("classifier.class_emb"), (Shape{1, 1, 128}));
  EXPECT_EQ(shapes.at("classifier.positional_emb"), (Shape{1, 65, 128}));
  EXPECT_EQ(shapes.at("tokenizer.conv_layers.0.0.bias"), (Shape{128}));
  EXPECT_EQ(shapes.count("classifier.attention_pool.weight"), 0u);
  const ops::NoGrad no_grad;
  const ops::Taps taps;
  model->forward(pictures(1));
  const Tensor &features = taps.at("features"), &pooled = taps.at("pooled");  // (1, 65, 128), (1, 128)
  EXPECT_TRUE(std::equal(pooled.span().begin(), pooled.span().end(), features.span().begin()));
}

TEST(Cct, IsToldFromShapes) {
  for (const char* name : {"cct_7_3x1_32", "cct_7_7x2_224", "cct_14_7x2_384_fl", "cvt_6_4_32", "vit_4_4_32"}) {
    const auto model = build(architecture_of(name));
    Shapes shapes;
    for (const nn::Parameter& parameter : model->state()) shapes[parameter.name] = parameter.tensor->shape();
    const Inferred inferred = infer(shapes);
    EXPECT_EQ(inferred.unknown, std::vector<std::string>{"num_heads"}) << name;
    const auto theirs = nlohmann::json::parse(model->architecture());
    const auto told = nlohmann::json::parse(
        build(with_settings(inferred.architecture, {{"num_heads", theirs["num_heads"].dump()}}))->architecture());
    for (const auto& [key, value] : theirs.items())
      if (!key.ends_with("drop_rate") && !key.ends_with("path_rate") && key != "conv_width" && key != "conv_layers") {
        EXPECT_EQ(told[key], value) << name << " " << key;
      }
  }
}

TEST(Cct, RefusesWhatCannotBe) {
  const auto error = [](const Settings& settings) {
    return test::error_of([&] { build(with_settings(architecture_of("cct_2_3x2_32"), settings)); });
  };
  EXPECT_NE(error({{"num_heads", "3"}}).find("num_heads 3 does not divide embed_dim 128"), std::string::npos);
  EXPECT_NE(error({{"tokenizer", "patch"}}).find("conv_layers 2 is not what patches have"), std::string::npos);
  EXPECT_NE(error({{"pool_padding", "3"}}).find("pool_padding 3 must be less than pool_size 3"), std::string::npos);
  EXPECT_NE(error({{"img_size", "2"}, {"padding", "0"}}).find("img_size 2x2 is too small"), std::string::npos);
}

}  // namespace
}  // namespace tessera::models
