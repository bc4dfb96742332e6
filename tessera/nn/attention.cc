#include "tessera/nn/attention.h"

#include <cmath>

#include "tessera/ops/attention.h"
#include "tessera/ops/columns.h"
#include "tessera/ops/dropout.h"
#include "tessera/ops/rows.h"
#include "tessera/ops/tap.h"
#include "tessera/ops/tokens.h"

namespace tessera::nn {

Attention::Attention(const AttentionConfig& config)
    : config_(config),
      qkv_(config.D, 3 * config.heads * config.head_dim, config.qkv_bias),
      proj_(config.heads * config.head_dim, config.D) {
  add_child("qkv", qkv_);
  if (config.qk_norm) {
    add_child("q_norm", q_norm_.emplace(config.head_dim, config.norm_eps));
    add_child("k_norm", k_norm_.emplace(config.head_dim, config.norm_eps));
  }
  if (config.relative) add_child("rel_pos", relative_.emplace(*config.relative, config.heads));
  add_child("proj", proj_);
}

Tensor Attention::attend(const Tensor& x, int64_t queries) const {
  const int64_t B = x.size(0), N = x.size(1), h = config_.heads, d = config_.head_dim;
  ops::AttentionOptions options;
  options.heads = h;
  options.scale = 1 / std::sqrt(static_cast<float>(d));
  options.dropout = static_cast<float>(config_.attn_drop);
  options.dropout_path = path("attn_drop");
  options.tap = path("probabilities");
  options.s8 = qkv_.weight().is_quantised();
  if (relative_) {
    options.bias_table = relative_->table();
    options.bias_index = ops::rows(relative_->index(), 0, queries);                   // (Nq, N)
    if (ops::tapped(path("rel_pos"))) ops::tap(path("rel_pos"), relative_->dense());  // (h, N, N)
  }
  if (queries == N && !q_norm_) return ops::attention(qkv_.forward(x), options);  // (B, N, h·d)

  const Tensor asking = queries == N ? x : ops::slice_tokens(x, 0, queries);  // (B, Nq, D)
  const Tensor q = qkv_.forward_outputs(asking, 0, h * d);                    // (B, Nq, h·d)
  const Tensor kv = qkv_.forward_outputs(x, h * d, 2 * h * d);  // (B, N, 2·h·d): k and v side by side, head by head
  if (!q_norm_) return ops::attention(q, kv, options);          // (B, Nq, h·d)
  const auto normed = [&](const LayerNorm& norm, const Tensor& t, int64_t tokens) {
    return norm.forward(t.reshape({B, tokens, h, d})).reshape({B, tokens, h * d});
  };
  const Tensor k = ops::columns(kv, 0, h * d), v = ops::columns(kv, h * d, h * d);          // (B, N, h·d)
  return ops::attention(normed(*q_norm_, q, queries), normed(*k_norm_, k, N), v, options);  // (B, Nq, h·d)
}

Tensor Attention::forward(const Tensor& x, int64_t queries, const Tensor& residual) const {
  const Tensor y = proj_.forward(attend(x, queries), {.residual = residual});  // (B, Nq, D)
  return residual ? y : ops::dropout(y, dropout(), path("proj_drop"));         // (B, Nq, D)
}

}  // namespace tessera::nn
