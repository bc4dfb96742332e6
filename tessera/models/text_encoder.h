// The Transformer's encoder for sentences: Vaswani et al., "Attention Is All You Need" (2017), section 3, figure 1
// left, as torch.nn.TransformerEncoderLayer (norm_first=False) has it; a classifier reads the mean over the words.
//
// The input tensor of this model is words, not pictures: whoever trains, averages, saves or loads a model hands it on
// and does not look inside.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tessera/core/options.h"
#include "tessera/models/model.h"
#include "tessera/nn/block.h"

namespace tessera::models {

// The base size of the paper (table 3), with the embeddings of BERT: learned positions, and a norm behind them.
struct TextEncoderConfig {
  int64_t vocab = 37000, max_length = 512, num_classes = 2;
  int64_t embed_dim = 512, depth = 6, num_heads = 8, dim_feedforward = 2048;
  std::string act = "relu";
  double norm_eps = 1e-5;
  std::string pos_embed = "learn";
  bool embed_norm = true, embed_scale = false;
  double dropout = 0;

  void visit(Options& o);
  void complete(const Options& given);  // refuses what cannot be; a UsageError names the key
};

class TextEncoder : public Model {
 public:
  explicit TextEncoder(const TextEncoderConfig& config);

  // words (B, N) s32, N <= max_length: each in [0, vocab), or -1 where a sentence has no word (it is shorter than N).
  // Such places change no bit of the result. -> the mean over the words of each sentence (B, D); zeros where it has
  // none.
  Tensor forward_features(const Tensor& words) override;
  // (B, D) -> logits (B, K); without classes the features
  Tensor forward_head(const Tensor& features) override;
  // The same with the words that count named by another tensor, as in PyTorch: ids (B, N) s32 or i64, valid (B, N) u8,
  // 1 for a word of the sentence. What stands elsewhere changes no bit of the result.
  Tensor forward(const Tensor& ids, const Tensor& valid);
  using Model::forward;

  PictureSize input() const override { return {}; }
  int64_t num_classes() const override { return config_.num_classes; }
  std::string architecture() const override;
  std::vector<ShapeStep> shapes() override;  // of a sentence of max_length words
  int64_t layer_of(const std::string& parameter) const override;
  int64_t num_layers() const override { return config_.depth + 2; }
  bool no_weight_decay(const std::string& parameter) const override {
    return parameter == "position_embeddings.weight";
  }
  std::vector<std::string> head_parameters() const override;

  const TextEncoderConfig& config() const { return config_; }

 private:
  void check_words(const Tensor& words) const;
  Tensor embed(const Tensor& words) const;
  Tensor encode(const Tensor& words, const Tensor& mask);

  TextEncoderConfig config_;
  Tensor word_embeddings_;      // (vocab, D)
  Tensor position_embeddings_;  // (max_length, D), learned or fixed; undefined: none
  std::optional<nn::LayerNorm> norm_;
  std::vector<std::unique_ptr<nn::Block>> layers_;
  std::optional<nn::Linear> head_;
};

}  // namespace tessera::models
