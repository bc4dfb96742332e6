// What the text encoder promises besides PyTorch's numbers (golden_text_test.cc).
#include "tessera/models/text_encoder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "tessera/core/random.h"
#include "tessera/models/registry.h"
#include "tessera/nn/positions.h"
#include "tessera/ops/tape.h"
#include "tests/support.h"

namespace tessera::models {
namespace {

TextEncoderConfig small() {
  TextEncoderConfig config;
  config.vocab = 30;
  config.max_length = 20;
  config.num_classes = 4;
  config.embed_dim = 24;
  config.depth = 3;
  config.num_heads = 3;
  config.dim_feedforward = 40;
  return config;
}

// Weights with deviations near 1/√fan-in, the head's too, so that what goes wrong would show.
std::unique_ptr<TextEncoder> encoder(const TextEncoderConfig& config) {
  auto model = std::make_unique<TextEncoder>(config);
  model->initialise(3);
  for (const nn::Parameter& parameter : model->parameters()) {
    Random random(5, parameter.name);
    for (float& value : parameter.tensor->span()) value += static_cast<float>(0.15 * random.normal());
  }
  return model;
}

Tensor words(const std::vector<std::vector<int32_t>>& sentences, int64_t N) {
  const Tensor result = Tensor::empty({std::ssize(sentences), N}, DType::s32);
  std::fill_n(result.data<int32_t>(), result.numel(), -1);
  for (size_t b = 0; b < sentences.size(); ++b)
    std::copy(sentences[b].begin(), sentences[b].end(), result.data<int32_t>() + static_cast<int64_t>(b) * N);
  return result;
}

const std::vector<std::vector<int32_t>> kSentences = {
    {4, 8, 15, 16, 23, 29}, {0}, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13}, {7, 7}};

double largest_difference(std::span<const float> a, std::span<const float> b) {
  double largest = 0;
  for (size_t i = 0; i < a.size(); ++i) largest = std::max<double>(largest, std::abs(a[i] - b[i]));
  return largest;
}

TEST(TextEncoder, PaddedAndUnpaddedSentencesAgree) {
  for (const char* positions : {"learn", "sincos", "none"}) {
    TextEncoderConfig config = small();
    config.pos_embed = positions;
    const auto model = encoder(config);
    const ops::NoGrad no_grad;
    const Tensor batch = model->forward(words(kSentences, 20));
    for (size_t b = 0; b < kSentences.size(); ++b) {
      const Tensor alone = model->forward(words({kSentences[b]}, std::ssize(kSentences[b])));
      EXPECT_LE(largest_difference(alone.span(), batch.span().subspan(4 * b, 4)), 1e-6) << positions << " " << b;
    }
    EXPECT_GT(largest_difference(batch.span().first(4), batch.span().subspan(8, 4)), 0.01);
  }
}

TEST(TextEncoder, OfASentenceWithoutWordsTheHeadSeesZeros) {
  const auto model = encoder(small());
  for (const nn::Parameter& parameter : model->parameters()) parameter.tensor->set_requires_grad();
  const Tensor logits = model->forward(words({{}, {5, 6}}, 4));
  const Tensor& bias = *model->parameters().back().tensor;
  EXPECT_EQ(largest_difference(logits.span().first(4), bias.span()), 0);
  ops::backward(logits, Tensor::full(logits.shape(), 1));
  for (const nn::Parameter& parameter : model->parameters())
    for (const float gradient : parameter.tensor->grad().span()) ASSERT_TRUE(std::isfinite(gradient)) << parameter.name;
}

TEST(TextEncoder, OrderCountsWherePositionsAre) {
  const auto reversed = std::vector<int32_t>(kSentences[0].rbegin(), kSentences[0].rend());
  for (const char* positions : {"learn", "sincos", "none"}) {
    TextEncoderConfig config = small();
    config.pos_embed = positions;
    const auto model = encoder(config);
    const Tensor logits = model->forward(words({kSentences[0], reversed}, 6));
    const double difference = largest_difference(logits.span().first(4), logits.span().last(4));
    if (config.pos_embed == "none")
      EXPECT_LT(difference, 1e-5);
    else
      EXPECT_GT(difference, 1e-3) << positions;
  }
}

TEST(TextEncoder, FixedPositionsAreThePapers) {
  const Tensor table = nn::sincos_1d(7, 6);
  const auto at = [&](int64_t n, int64_t c) { return table.data()[n * 6 + c]; };
  for (int64_t n = 0; n < 7; ++n) {
    EXPECT_FLOAT_EQ(at(n, 0), std::sin(static_cast<float>(n)));
    EXPECT_FLOAT_EQ(at(n, 1), std::cos(static_cast<float>(n)));
    EXPECT_NEAR(at(n, 4), std::sin(static_cast<double>(n) / std::pow(10000, 4.0 / 6)), 1e-7);
    EXPECT_NEAR(at(n, 5), std::cos(static_cast<double>(n) / std::pow(10000, 4.0 / 6)), 1e-7);
  }
  TextEncoderConfig config = small();
  config.pos_embed = "sincos";
  TextEncoder model(config);
  EXPECT_EQ(model.num_parameters(), TextEncoder(small()).num_parameters() - 20 * 24);
}

TEST(TextEncoder, IsBuiltFromItsArchitecture) {
  for (const bool bare : {false, true}) {
    TextEncoderConfig config = small();
    if (bare) config.num_classes = config.depth = 0, config.embed_norm = false, config.pos_embed = "none";
    TextEncoder model(config);
    const auto again = build(model.architecture());
    EXPECT_EQ(again->architecture(), model.architecture());
    const auto before = model.parameters(), after = again->parameters();
    ASSERT_EQ(before.size(), after.size());
    int64_t counted = 0;
    for (const ShapeStep& step : again->shapes()) counted += step.parameters;
    EXPECT_EQ(counted, model.num_parameters());
    for (size_t i = 0; i < before.size(); ++i) {
      EXPECT_EQ(before[i].name, after[i].name);
      EXPECT_LT(model.layer_of(before[i].name), model.num_layers());
    }
  }
  TextEncoder model(small());
  EXPECT_EQ(model.layer_of("word_embeddings.weight"), 0);
  EXPECT_EQ(model.layer_of("layers.2.norm2.bias"), 3);
  EXPECT_EQ(model.layer_of("head.weight"), 4);
}

TEST(TextEncoder, NamesWhatDoesNotFit) {
  const auto model = encoder(small());
  const auto complaint = [&](const Tensor& input) { return test::error_of([&] { model->forward(input); }); };
  EXPECT_NE(complaint(Tensor::zeros({1, 8, 8, 3})).find("reads words"), std::string::npos);
  EXPECT_NE(complaint(words({{1}}, 21)).find("max_length is 20"), std::string::npos);
  EXPECT_NE(complaint(words({{30}}, 2)).find("30"), std::string::npos);
  EXPECT_NE(complaint(words({{-2}}, 2)).find("-2"), std::string::npos);
  EXPECT_THROW(model->forward(words({{1, 30}}, 2), Tensor::full({1, 2}, 1)), Error);  // a mask of floats
  EXPECT_NE(test::error_of([] {
              build(R"({"family": "text_encoder", "embed_dim": 48, "num_heads": 5})");
            }).find("num_heads 5"),
            std::string::npos);
  EXPECT_NE(test::error_of([] { build(R"({"family": "text_encoder", "vocabulary": 48})"); }).find("vocab"),
            std::string::npos);
}

}  // namespace
}  // namespace tessera::models
