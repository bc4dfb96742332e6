#include "tessera/nn/attention.h"

#include <cmath>

#include "tessera/ops/attention.h"
#include "tessera/ops/columns.h"
#include "tessera/ops/dropout.h"
#include "tessera/ops/tap.h"

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

Tensor Attention::attend(const Tensor& x) const {
  const int64_t B = x.size(0), N = x.size(1), h = config_.heads, d = config_.head_dim;
  ops::AttentionOptions options;
  options.heads = h;
  options.scale = 1 / std::sqrt(static_cast<float>(d));
  options.dropout = static_cast<float>(config_.attn_drop);
  options.dropout_path = path("attn_drop");
  options.tap = path("probabilities");
  if (relative_) {
    options.bias_table = relative_->table();
    options.bias_index = relative_->index();
    if (ops::tapped(path("rel_pos"))) ops::tap(path("rel_pos"), relative_->dense());  // (h, N, N)
  }
  const Tensor qkv = qkv_.forward(x);                 // (B, N, 3·h·d): q, k and v side by side, each head by head
  if (!q_norm_) return ops::attention(qkv, options);  // (B, N, h·d)
  const auto part = [&](int64_t which) { return ops::columns(qkv, which * h * d, h * d); };  // (B, N, h·d)
  const auto normed = [&](const LayerNorm& norm, const Tensor& t) {
    return norm.forward(t.reshape({B, N, h, d})).reshape({B, N, h * d});
  };
  return ops::attention(normed(*q_norm_, part(0)), normed(*k_norm_, part(1)), part(2), options);  // (B, N, h·d)
}

Tensor Attention::forward(const Tensor& x, const Tensor& residual) const {
  const Tensor y = proj_.forward(attend(x), {.residual = residual});    // (B, N, D)
  return residual ? y : ops::dropout(y, dropout(), path("proj_drop"));  // (B, N, D)
}

}  // namespace tessera::nn
