#include "tessera/nn/attention.h"

#include <cmath>

#include "tessera/ops/attention.h"
#include "tessera/ops/dropout.h"
#include "tessera/ops/rows.h"
#include "tessera/ops/tap.h"
#include "tessera/ops/tokens.h"

namespace tessera::nn {

Attention::Attention(const AttentionConfig& config)
    : config_(config),
      qkv_(config.D, 3 * config.heads * config.head_dim, config.qkv_bias),
      proj_(config.heads * config.head_dim, config.D, config.proj_bias) {
  add_child("qkv", qkv_);
  if (config.qk_norm) {
    add_child("q_norm", q_norm_.emplace(config.head_dim, config.norm_eps));
    add_child("k_norm", k_norm_.emplace(config.head_dim, config.norm_eps));
  }
  relative_ = config.shared_relative;
  if (config.relative) {
    own_relative_ = relative_positions(*config.relative, config.heads);
    relative_ = own_relative_.get();
    add_child("rel_pos", *own_relative_);
  }
  add_child("proj", proj_);
}

Tensor Attention::attend(const Tensor& x, int64_t queries, const Tensor& key_mask) const {
  const int64_t B = x.size(0), N = x.size(1), h = config_.heads, d = config_.head_dim;
  ops::AttentionOptions options;
  options.heads = h;
  options.scale = 1 / std::sqrt(static_cast<float>(d));
  options.dropout = static_cast<float>(config_.attn_drop);
  options.dropout_path = path("attn_drop");
  options.tap = path("probabilities");
  options.key_mask = key_mask;
  if (relative_) {
    options.bias_table = relative_->table();
    options.bias_index = ops::rows(relative_->index(), 0, queries);                   // (Nq, N)
    if (ops::tapped(path("rel_pos"))) ops::tap(path("rel_pos"), relative_->dense());  // (h, N, N)
  }
  ops::LinearOptions form;  // of q, k and v, as attention takes them
  if (qkv_.input_dtype() == DType::s8) form = {.dtype = DType::s8, .run = d};
  if (queries == N && !q_norm_) return ops::attention(qkv_.forward(x, form), options);  // (B, N, h·d)

  const Tensor asking = queries == N ? x : ops::slice_tokens(x, 0, queries);  // (B, Nq, D)
  const auto part = [&](const Tensor& tokens, int64_t which, int64_t parts, const ops::LinearOptions& o) {
    return qkv_.forward_outputs(tokens, which * h * d, parts * h * d, o);  // (B, tokens, parts·h·d)
  };
  if (!q_norm_) return ops::attention(part(asking, 0, 1, form), part(x, 1, 2, form), options);  // (B, Nq, h·d)

  const auto normed = [&](const LayerNorm& norm, const Tensor& t) {
    const Tensor heads = t.reshape({B, t.size(1), h, d});
    return norm.forward(heads, form.dtype).reshape(t.shape());  // (B, tokens, h·d)
  };
  const Tensor q = normed(*q_norm_, part(asking, 0, 1, {})), k = normed(*k_norm_, part(x, 1, 1, {}));
  return ops::attention(q, k, part(x, 2, 1, form), options);  // (B, Nq, h·d)
}

Tensor Attention::forward(const Tensor& x, int64_t queries, const ops::LinearOptions& last,
                          const Tensor& key_mask) const {
  const Tensor y = proj_.forward(attend(x, queries, key_mask), last);        // (B, Nq, D)
  return last.residual ? y : ops::dropout(y, dropout(), path("proj_drop"));  // (B, Nq, D)
}

}  // namespace tessera::nn
