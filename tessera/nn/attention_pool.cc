#include "tessera/nn/attention_pool.h"

#include <cmath>

#include "tessera/ops/attention.h"
#include "tessera/ops/positions.h"

namespace tessera::nn {

AttentionPool::AttentionPool(int64_t heads, const MlpConfig& mlp, double norm_eps)
    : heads_(heads), q_(mlp.D, mlp.D), kv_(mlp.D, 2 * mlp.D), proj_(mlp.D, mlp.D), norm_(mlp.D, norm_eps), mlp_(mlp) {
  add_parameter("latent", latent_, {1, 1, mlp.D}, trunc_normal(1 / std::sqrt(static_cast<double>(mlp.D))));
  add_child("q", q_);
  add_child("kv", kv_);
  add_child("proj", proj_);
  add_child("norm", norm_);
  add_child("mlp", mlp_);
}

Tensor AttentionPool::forward(const Tensor& tokens) const {
  const int64_t B = tokens.size(0), D = tokens.size(2);
  // The same query for every picture.
  const Tensor q = ops::add_positions(Tensor::zeros({B, 1, D}), q_.forward(latent_));  // (1, 1, D) -> (B, 1, D)
  ops::AttentionOptions options;
  options.heads = heads_;
  options.scale = 1 / std::sqrt(static_cast<float>(D / heads_));
  options.tap = path("probabilities");
  const Tensor seen = ops::attention(q, kv_.forward(tokens), options);                         // (B, 1, D)
  const Tensor x = proj_.forward(seen);                                                        // (B, 1, D)
  return mlp_.forward(norm_.forward(x, mlp_.input_dtype()), {.residual = x}).reshape({B, D});  // (B, D)
}

}  // namespace tessera::nn
