#include "tessera/nn/window_attention.h"

#include <cmath>

#include "tessera/ops/dropout.h"

namespace tessera::nn {

WindowAttention::WindowAttention(const WindowAttentionConfig& config)
    : config_(config),
      qkv_(config.D, 3 * config.heads * config.head_dim, config.qkv_bias),
      proj_(config.heads * config.head_dim, config.D) {
  add_parameter("relative_position_bias_table", bias_table_, {config.grid.offsets(), config.heads}, trunc_normal(0.02));
  add_child("qkv", qkv_);
  add_child("proj", proj_);
}

Tensor WindowAttention::forward(const Tensor& x, const ops::LinearOptions& last) const {
  const ops::WindowGrid& grid = config_.grid;
  ops::WindowAttentionOptions options;
  options.grid = grid;
  options.heads = config_.heads;
  options.scale = 1 / std::sqrt(static_cast<float>(config_.head_dim));
  options.bias_table = bias_table_;
  if (grid.windows() * grid.places() > grid.H * grid.W) options.padding = qkv_.bias();
  options.dropout = static_cast<float>(config_.attn_drop);
  options.dropout_path = path("attn_drop");
  options.tap = path("probabilities");
  const Tensor attended = ops::window_attention(qkv_.forward(x), options);   // (B, H·W, h·d)
  const Tensor y = proj_.forward(attended, last);                            // (B, H·W, D)
  return last.residual ? y : ops::dropout(y, dropout(), path("proj_drop"));  // (B, H·W, D)
}

}  // namespace tessera::nn
