// Multi-head self-attention. Vaswani et al. (2017), eq. 1 and section 3.2.2; names as in timm: `qkv`, `proj`, `q_norm`,
// `k_norm`.
#pragma once

#include <memory>
#include <optional>

#include "tessera/nn/layer_norm.h"
#include "tessera/nn/linear.h"
#include "tessera/nn/relative_position.h"

namespace tessera::nn {

struct AttentionConfig {
  int64_t D = 0;         // width of the tokens
  int64_t heads = 0;     // h
  int64_t head_dim = 0;  // d; h·d need not be D
  bool qkv_bias = true;
  bool proj_bias = true;
  bool qk_norm = false;  // LayerNorm over d of each head's queries and keys, before scaling
  double norm_eps = 1e-6;
  double attn_drop = 0;  // on the probabilities
  double proj_drop = 0;  // after the projection
  // Relative positions of its own (child `rel_pos`), or those of a module that outlives it; otherwise none.
  std::optional<RelativeConfig> relative = std::nullopt;
  const RelativePositions* shared_relative = nullptr;
};

class Attention : public Module {
 public:
  explicit Attention(const AttentionConfig& config);
  // x (B, N, D) -> (B, Nq, D): of the first `queries` tokens, which attend to all. last: options of the projection;
  // with dropout in force there must be no residual. key_mask: u8 (B, N), 0 where a token is padding that nobody may
  // see; undefined: there is none. Offers the probabilities (B, h, Nq, N) as the tap `<path>.probabilities`.
  Tensor forward(const Tensor& x, int64_t queries, const ops::LinearOptions& last = {},
                 const Tensor& key_mask = {}) const;
  DType input_dtype() const { return qkv_.input_dtype(); }  // that x should have, where all tokens are queries
  float dropout() const { return static_cast<float>(config_.proj_drop); }

 private:
  Tensor attend(const Tensor& x, int64_t queries, const Tensor& key_mask) const;

  AttentionConfig config_;
  Linear qkv_, proj_;
  std::optional<LayerNorm> q_norm_, k_norm_;
  std::unique_ptr<RelativePositions> own_relative_;
  const RelativePositions* relative_ = nullptr;
};

}  // namespace tessera::nn
