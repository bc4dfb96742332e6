// Multi-head self-attention within windows of a map of tokens, with relative positions: Liu et al., "Swin Transformer"
// (2021), section 3.2. Names as in timm: `relative_position_bias_table`, `qkv`, `proj`.
#pragma once

#include "tessera/nn/linear.h"
#include "tessera/ops/window_attention.h"

namespace tessera::nn {

struct WindowAttentionConfig {
  int64_t D = 0;         // width of the tokens
  int64_t heads = 0;     // h
  int64_t head_dim = 0;  // d; h·d need not be D
  ops::WindowGrid grid;  // the map, its windows and their shift
  bool qkv_bias = true;
  double attn_drop = 0;  // on the probabilities
  double proj_drop = 0;  // after the projection
};

class WindowAttention : public Module {
 public:
  explicit WindowAttention(const WindowAttentionConfig& config);
  // x (B, H·W, D) -> (B, H·W, D). last: options of the projection; with dropout in force there must be no residual.
  // Where the windows stick out of the map, they see tokens that are zeros: their q, k and v are the bias of `qkv`.
  // Offers the probabilities (B, windows, h, M, M) as the tap `<path>.probabilities`.
  Tensor forward(const Tensor& x, const ops::LinearOptions& last = {}) const;
  DType input_dtype() const { return qkv_.input_dtype(); }  // that x should have
  float dropout() const { return static_cast<float>(config_.proj_drop); }
  const ops::WindowGrid& grid() const { return config_.grid; }

 private:
  WindowAttentionConfig config_;
  Tensor bias_table_;  // ((2·window.h - 1)·(2·window.w - 1), h)
  Linear qkv_, proj_;
};

}  // namespace tessera::nn
