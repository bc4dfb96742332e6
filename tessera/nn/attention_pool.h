// Attention pooling: one learned query looks over all tokens, and an MLP follows. Lee et al., "Set Transformer" (2019),
// section 3.2; for ViT: Zhai et al., "Scaling Vision Transformers" (2022). big_vision's MAPHead, as in SigLIP; names as
// in timm's AttentionPoolLatent: `latent` (1, 1, D), `q`, `kv`, `proj`, `norm`, `mlp`.
#pragma once

#include "tessera/nn/layer_norm.h"
#include "tessera/nn/linear.h"
#include "tessera/nn/mlp.h"

namespace tessera::nn {

class AttentionPool : public Module {
 public:
  // heads divides mlp.D; mlp.dropout is 0.
  AttentionPool(int64_t heads, const MlpConfig& mlp, double norm_eps);
  // tokens (B, N, D) -> (B, D). Offers the probabilities (B, h, 1, N) as the tap `<path>.probabilities`.
  Tensor forward(const Tensor& tokens) const;

 private:
  int64_t heads_;
  Tensor latent_;
  Linear q_, kv_, proj_;
  LayerNorm norm_;
  Mlp mlp_;
};

}  // namespace tessera::nn
