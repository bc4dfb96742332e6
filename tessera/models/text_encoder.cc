#include "tessera/models/text_encoder.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "tessera/models/family.h"
#include "tessera/nn/init.h"
#include "tessera/nn/positions.h"
#include "tessera/ops/dropout.h"
#include "tessera/ops/embedding.h"
#include "tessera/ops/pooling.h"
#include "tessera/ops/positions.h"
#include "tessera/ops/rows.h"
#include "tessera/ops/scale.h"
#include "tessera/ops/tap.h"
#include "tessera/ops/tape.h"

namespace tessera::models {

void TextEncoderConfig::visit(Options& o) {
  o.section("Sentence");
  o("vocab", vocab, "words of the vocabulary").at_least(1).at_most(100000000);
  o("max_length", max_length, "words of the longest sentence").at_least(1).at_most(1000000);
  o("num_classes", num_classes, "classes; 0: no head, the mean over the words comes out").at_least(0).at_most(10000000);
  o.section("Embeddings");
  o("pos_embed", pos_embed, "positions: learned, the paper's fixed sines and cosines, or none (a bag of words)")
      .one_of({"learn", "sincos", "none"});
  o("embed_scale", embed_scale, "words times sqrt(embed_dim) before positions are added, as in the paper");
  o("embed_norm", embed_norm, "a norm behind the positions, as in BERT");
  o.section("Encoder");
  o("embed_dim", embed_dim, "width of the words (D)").at_least(1).at_most(65536);
  o("depth", depth, "number of blocks (L)").at_least(0).at_most(4096);
  o("num_heads", num_heads, "attention heads (h), a divisor of embed_dim").at_least(1).at_most(4096);
  o("dim_feedforward", dim_feedforward, "hidden width of the MLP").at_least(1).at_most(1000000);
  o("act", act, "activation of the MLP").one_of({"gelu_erf", "gelu_tanh", "relu"});
  o("norm_eps", norm_eps, "epsilon of every LayerNorm").above(0);
  o.section("Regularisation");
  o("dropout", dropout, "of embeddings, attention probabilities, the MLP's hidden values and both branches")
      .at_least(0)
      .below(1);
}

void TextEncoderConfig::complete(const Options& /*given*/) {
  if (embed_dim % num_heads != 0)
    fail_usage("num_heads {} does not divide embed_dim {}; choose a divisor", num_heads, embed_dim);
}

namespace {

nn::BlockConfig block_config(const TextEncoderConfig& c) {
  return {.attention = {.D = c.embed_dim,
                        .heads = c.num_heads,
                        .head_dim = c.embed_dim / c.num_heads,
                        .attn_drop = c.dropout,
                        .proj_drop = c.dropout},
          .mlp = {.D = c.embed_dim,
                  .hidden = c.dim_feedforward,
                  .activation = kernels::activation_named(c.act),
                  .dropout = c.dropout},
          .post_norm = true,
          .norm_eps = c.norm_eps};
}

// Which of the words count: (B, N) u8
Tensor mask_of(const Tensor& words) {
  const Tensor mask = Tensor::empty(words.shape(), DType::u8);
  const auto w = words.span<int32_t>();
  std::transform(w.begin(), w.end(), mask.data<uint8_t>(), [](int32_t word) { return word >= 0; });
  return mask;
}

}  // namespace

TextEncoder::TextEncoder(const TextEncoderConfig& config) : config_(config) {
  const int64_t D = config.embed_dim;
  // What is scaled by √D begins with deviation 1, as the positions have about.
  const double deviation = config.embed_scale ? 1 / std::sqrt(static_cast<double>(D)) : 0.02;
  add_parameter("word_embeddings.weight", word_embeddings_, {config.vocab, D}, nn::trunc_normal(deviation));
  if (config.pos_embed == "learn")
    add_parameter("position_embeddings.weight", position_embeddings_, {config.max_length, D}, nn::trunc_normal(0.02));
  if (config.pos_embed == "sincos") position_embeddings_ = nn::sincos_1d(config.max_length, D);
  if (config.embed_norm) add_child("norm", norm_.emplace(D, config.norm_eps));
  for (int64_t i = 0; i < config.depth; ++i)
    add_child(fmt::format("layers.{}", i), *layers_.emplace_back(std::make_unique<nn::Block>(block_config(config))));
  if (config.num_classes > 0) add_child("head", head_.emplace(D, config.num_classes, true, nn::zeros()));
}

void TextEncoder::check_words(const Tensor& words) const {
  TESSERA_CHECK(words.rank() == 2 && words.dtype() == DType::s32 && words.numel() > 0,
                "text_encoder: this model reads words, s32 (B, N), not {} {}", name_of(words.dtype()),
                to_string(words.shape()));
  TESSERA_CHECK(words.size(1) <= config_.max_length, "text_encoder: sentences of {} words; max_length is {}",
                words.size(1), config_.max_length);
}

// words (B, N) -> (B, N, D)
Tensor TextEncoder::embed(const Tensor& words) const {
  const int64_t N = words.size(1), D = config_.embed_dim;
  Tensor x = ops::embedding(word_embeddings_, words);  // (B, N, D)
  if (config_.embed_scale) x = ops::scale(x, Tensor::full({D}, std::sqrt(static_cast<float>(D))));
  if (position_embeddings_) x = ops::add_positions(x, ops::rows(position_embeddings_, 0, N));  // (B, N, D)
  if (norm_) x = norm_->forward(x);
  ops::tap("embedded", x);
  return ops::dropout(x, static_cast<float>(config_.dropout), "embed_drop");
}

// words (B, N), of which those count where mask, u8 (B, N), is not 0 -> (B, D)
Tensor TextEncoder::encode(const Tensor& words, const Tensor& mask) {
  Tensor x = embed(words);  // (B, N, D)
  for (const auto& layer : layers_) {
    const auto forward = [&layer = *layer, mask](const Tensor& tokens) { return layer.forward(tokens, 0, mask); };
    x = recompute() ? ops::checkpoint(forward, x) : forward(x);  // (B, N, D)
    ops::tap(layer->path(), x);
  }
  const Tensor mean = ops::mean_tokens(x, mask);  // (B, N, D) -> (B, D)
  ops::tap("pooled", mean);
  return mean;
}

Tensor TextEncoder::forward_features(const Tensor& words) {
  check_words(words);
  return encode(words, mask_of(words));
}

Tensor TextEncoder::forward_head(const Tensor& features) { return head_ ? head_->forward(features) : features; }

Tensor TextEncoder::forward(const Tensor& ids, const Tensor& valid) {
  const bool wide = ids.dtype() == DType::i64;
  TESSERA_CHECK(ids.rank() == 2 && (wide || ids.dtype() == DType::s32) && valid.shape() == ids.shape(),
                "text_encoder: ids must be s32 or i64 (B, N) and valid u8 of the same shape, not {} {} and {} {}",
                name_of(ids.dtype()), to_string(ids.shape()), name_of(valid.dtype()), to_string(valid.shape()));
  const Tensor words = Tensor::empty(ids.shape(), DType::s32);
  for (int64_t i = 0; i < ids.numel(); ++i) {
    const int64_t id = wide ? ids.data<int64_t>()[i] : ids.data<int32_t>()[i];
    const bool known = id >= 0 && id < config_.vocab;
    TESSERA_CHECK(known || !valid.data<uint8_t>()[i], "text_encoder: word {} of a vocabulary of {}", id, config_.vocab);
    words.data<int32_t>()[i] = known ? static_cast<int32_t>(id) : -1;
  }
  check_words(words);
  return forward_head(encode(words, valid));
}

std::string TextEncoder::architecture() const { return describe("text_encoder", config_); }

std::vector<ShapeStep> TextEncoder::shapes() {
  const int64_t N = config_.max_length, D = config_.embed_dim, hidden = config_.dim_feedforward;
  const int64_t K = config_.num_classes, norm = 2 * D;
  std::vector<ShapeStep> steps = {{"input", {N}}};
  const int64_t positions = config_.pos_embed == "learn" ? N * D : 0;
  steps.push_back({"embedded", {N, D}, config_.vocab * D + positions + (norm_ ? norm : 0)});
  for (const auto& layer : layers_) {
    steps.push_back({layer->path("attn"), {N, D}, 4 * D * D + 4 * D + norm, 4 * N * D * D + 2 * N * N * D});
    steps.push_back({layer->path("mlp"), {N, D}, 2 * D * hidden + hidden + D + norm, 2 * N * D * hidden});
  }
  steps.push_back({"pool", {D}});
  if (head_) steps.push_back({"head", {K}, D * K + K, D * K});
  return steps;
}

int64_t TextEncoder::layer_of(const std::string& parameter) const {
  const std::string layers = "layers.";
  if (parameter.starts_with(layers)) return 1 + std::stoll(parameter.substr(layers.size()));
  return parameter.starts_with("head.") ? config_.depth + 1 : 0;
}

std::vector<std::string> TextEncoder::head_parameters() const {
  if (!head_) return {};
  return {"head.weight", "head.bias"};
}

namespace {

// What the shapes of its parameters tell: heads, activation and the words' scale leave no trace.
std::optional<Inferred> infer_text_encoder(const Shapes& shapes, const std::string& known) {
  const auto extent = [&](const std::string& name, int axis) -> int64_t {
    const auto found = shapes.find(name);
    if (found == shapes.end()) return 0;
    TESSERA_CHECK(axis < found->second.rank(), "the tensor '{}' is {}, which has no axis {}", name,
                  to_string(found->second), axis);
    return found->second[axis];
  };
  const int64_t vocab = extent("word_embeddings.weight", 0), length = extent("position_embeddings.weight", 0);
  if (vocab == 0) return std::nullopt;
  int64_t depth = 0;
  while (shapes.count(fmt::format("layers.{}.mlp.fc1.weight", depth))) ++depth;
  models::Settings keys = {{"family", "text_encoder"},
                           {"vocab", std::to_string(vocab)},
                           {"num_classes", std::to_string(extent("head.weight", 0))},
                           {"pos_embed", length > 0 ? "learn" : "sincos"},
                           {"embed_norm", shapes.count("norm.weight") ? "true" : "false"},
                           {"embed_dim", std::to_string(extent("word_embeddings.weight", 1))},
                           {"depth", std::to_string(depth)}};
  if (length > 0) keys.emplace_back("max_length", std::to_string(length));
  if (depth > 0) keys.emplace_back("dim_feedforward", std::to_string(extent("layers.0.mlp.fc1.weight", 0)));
  Inferred inferred{.architecture = with_settings("{}", keys), .unknown = {"num_heads"}};
  if (!nlohmann::json::parse(known).contains("embed_scale"))
    inferred.assumed.push_back(
        "the words are taken unscaled; say --set embed_scale=true where they are multiplied by √D");
  if (length == 0) inferred.assumed.push_back("no positions in the file: fixed sines and cosines (pos_embed sincos)");
  return inferred;
}

}  // namespace

void register_text_encoder(Registry& registry) {
  registry.families.add("text_encoder", family_of<TextEncoder, TextEncoderConfig>(
                                            "text_encoder", "The Transformer's encoder, for sentences (docs/text.md).",
                                            infer_text_encoder));
}

}  // namespace tessera::models
