// Layer normalisation with timm's names `weight` (γ) and `bias` (β).
#pragma once

#include "tessera/nn/init.h"
#include "tessera/ops/layer_norm.h"

namespace tessera::nn {

class LayerNorm : public Module {
 public:
  LayerNorm(int64_t D, double eps) : eps_(static_cast<float>(eps)) {
    add_parameter("weight", weight_, {D}, ones());
    add_parameter("bias", bias_, {D}, zeros());
  }
  // (…, D) -> (…, D), in the type that the layer after likes best (ops/precision.h)
  Tensor forward(const Tensor& x, DType dtype = DType::f32) const {
    return ops::layer_norm(x, weight_, bias_, eps_, dtype);
  }

 private:
  Tensor weight_, bias_;
  float eps_;
};

}  // namespace tessera::nn
