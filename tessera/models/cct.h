// Compact Transformers: Hassani et al., "Escaping the Big Data Paradigm with Compact Transformers" (2021),
// https://arxiv.org/abs/2104.05704. CCT reads tokens from small convolutions (section 3.3), CVT from patches, and both
// pool the sequence of tokens (section 3.2) where ViT-Lite (section 3.1) has a class token. Weights by these names:
// https://github.com/SHI-Labs/Compact-Transformers.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "tessera/core/options.h"
#include "tessera/models/cct_layers.h"
#include "tessera/models/model.h"
#include "tessera/models/registry.h"

namespace tessera::models {

// The keys of an architecture. Defaults: CCT-14/7x2.
struct CctConfig {
  std::vector<int64_t> img_size = {224, 224};  // height, width; one number: both
  int64_t in_chans = 3;
  int64_t num_classes = 1000;
  std::string tokenizer = "conv";
  int64_t kernel_size = 7;  // of each convolution, or of a patch
  int64_t conv_layers = 2;
  int64_t conv_width = 64;  // channels between the convolutions
  int64_t stride = 2, padding = 3;
  int64_t pool_size = 3, pool_stride = 2, pool_padding = 1;  // behind each convolution
  int64_t embed_dim = 384;                                   // D
  int64_t depth = 14;                                        // L
  int64_t num_heads = 6;                                     // h
  double mlp_ratio = 3;
  double norm_eps = 1e-5;
  std::string pos_embed = "learn";
  bool seq_pool = true;
  double drop_rate = 0, attn_drop_rate = 0, drop_path_rate = 0;

  TokenizerConfig tokens() const;
  int64_t mlp_hidden() const { return static_cast<int64_t>(static_cast<double>(embed_dim) * mlp_ratio); }
  // Rows and columns of tokens.
  kernels::Extent2d grid() const { return tokens().grid({img_size[0], img_size[1]}); }

  void visit(Options& o);
  // Fills in what depends on other keys and refuses what cannot be. A UsageError names the key.
  void complete(const Options& given);
};

class Cct : public Model {
 public:
  explicit Cct(const CctConfig& config);

  Tensor forward_features(const Tensor& images) override;
  Tensor forward_head(const Tensor& features) override;

  PictureSize input() const override { return {config_.img_size[0], config_.img_size[1], config_.in_chans}; }
  int64_t num_classes() const override { return config_.num_classes; }
  std::string architecture() const override;
  std::vector<ShapeStep> shapes() override;
  std::vector<Product> products() const override;
  int64_t layer_of(const std::string& parameter) const override;
  int64_t num_layers() const override { return config_.depth + 2; }
  bool no_weight_decay(const std::string& parameter) const override;
  std::optional<Spatial> spatial(const std::string& parameter) const override;
  std::vector<std::string> head_parameters() const override;

 private:
  int64_t prefix() const { return config_.seq_pool ? 0 : 1; }
  Tensor pool(const Tensor& tokens) const;

  CctConfig config_;
  Tokenizer tokenizer_;
  Tensor class_token_;  // (1, 1, D), without seq_pool
  Tensor positions_;    // (1, N, D)
  std::optional<SequencePool> sequence_pool_;
  std::vector<std::unique_ptr<CompactBlock>> blocks_;
  nn::LayerNorm norm_;
  std::optional<nn::Linear> head_;
};

}  // namespace tessera::models
