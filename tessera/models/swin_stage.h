// What stages of the Swin Transformer are made of: patch merging and blocks.
#pragma once

#include "tessera/nn/layer_norm.h"
#include "tessera/nn/mlp.h"
#include "tessera/nn/window_attention.h"

namespace tessera::models {

// Section 3.1: `norm` and `reduction` of four neighbours, as timm names them.
class PatchMerging : public nn::Module {
 public:
  PatchMerging(int64_t D, int64_t out, double norm_eps);
  // x (B, H·W, D) -> (B, ⌈H/2⌉·⌈W/2⌉, out)
  Tensor forward(const Tensor& x, int64_t H, int64_t W) const;

 private:
  nn::LayerNorm norm_;
  nn::Linear reduction_;
};

struct SwinBlockConfig {
  nn::WindowAttentionConfig attention;
  nn::MlpConfig mlp;
  double norm_eps = 1e-5;
  double drop_path = 0;
};

// Eq. 3: x = x + (S)W-MSA(norm1(x)); x = x + MLP(norm2(x)). Offers the branches as taps `<path>.attn` and `<path>.mlp`.
class SwinBlock : public nn::Module {
 public:
  explicit SwinBlock(const SwinBlockConfig& config);
  Tensor forward(const Tensor& x) const;  // (B, H·W, D) -> (B, H·W, D)
  const ops::WindowGrid& grid() const { return attn_.grid(); }

 private:
  float drop_path_;
  nn::LayerNorm norm1_;
  nn::WindowAttention attn_;
  nn::LayerNorm norm2_;
  nn::Mlp mlp_;
};

}  // namespace tessera::models
