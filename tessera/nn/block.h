// A transformer block: attention and MLP, each with its norm, layer scale, drop path and residual.
//
//   pre-norm (ViT, eq. 2 and 3):          x = x + attn(norm1(x));   x = x + mlp(norm2(x))
//   post-norm (Vaswani et al., fig. 1):   x = norm1(x + attn(x));   x = norm2(x + mlp(x))
#pragma once

#include <optional>

#include "tessera/nn/attention.h"
#include "tessera/nn/layer_norm.h"
#include "tessera/nn/mlp.h"

namespace tessera::nn {

// y · γ per channel, `gamma` (D): Touvron et al., "Going deeper with Image Transformers" (2021), eq. 5.
class LayerScale : public Module {
 public:
  LayerScale(int64_t D, double init_value) {
    add_parameter("gamma", gamma_, {D}, constant(static_cast<float>(init_value)));
  }
  const Tensor& gamma() const { return gamma_; }

 private:
  Tensor gamma_;
};

struct BlockConfig {
  AttentionConfig attention;
  MlpConfig mlp;
  bool post_norm = false;
  double norm_eps = 1e-6;
  double init_values = 0;  // of layer scale; 0: none
  double drop_path = 0;    // Huang et al., "Deep Networks with Stochastic Depth" (2016)
};

class Block : public Module {
 public:
  explicit Block(const BlockConfig& config);
  // x (B, N, D) -> (B, reach, D): the first `reach` tokens of the result, where no other is used; 0: all. Offers the
  // branches, before layer scale, as taps `<path>.attn` and `<path>.mlp`. key_mask: as Attention takes it.
  Tensor forward(const Tensor& x, int64_t reach = 0, const Tensor& key_mask = {}) const;

 private:
  bool post_norm_;
  float drop_path_;
  LayerNorm norm1_;
  Attention attn_;
  std::optional<LayerScale> ls1_;
  LayerNorm norm2_;
  Mlp mlp_;
  std::optional<LayerScale> ls2_;
};

}  // namespace tessera::nn
