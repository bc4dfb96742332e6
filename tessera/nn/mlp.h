// The transformer's MLP: fc2(act(fc1(x))), Vaswani et al., "Attention Is All You Need" (2017), eq. 2, with GELU in ViT.
// Or gated, as SwiGLU: fc2(silu(gate(x))·value(x)), Shazeer, "GLU Variants Improve Transformer" (2020), eq. 6.
#pragma once

#include <optional>
#include <string>

#include "tessera/nn/linear.h"

namespace tessera::nn {

// Names as in timm. mlp: `fc1`, `fc2`. swiglu: `fc1_g` is the gate, `fc1_x` the value. swiglu_packed: `fc1` is both,
// its first half of outputs the gate; fc2 then takes hidden / 2.
enum class MlpLayer { mlp, swiglu, swiglu_packed };

struct MlpConfig {
  int64_t D = 0;
  int64_t hidden = 0;  // outputs of fc1; even for swiglu_packed
  MlpLayer layer = MlpLayer::mlp;
  kernels::Activation activation = kernels::Activation::gelu_erf;  // of MlpLayer::mlp
  double dropout = 0;
};

class Mlp : public Module {
 public:
  explicit Mlp(const MlpConfig& config);
  // x (B, N, D) -> (B, N, D). last: options of the second layer. Dropout is where timm has it: after the activation and
  // at the end; with dropout in force there must be no residual.
  Tensor forward(const Tensor& x, const ops::LinearOptions& last = {}) const;
  float dropout() const { return static_cast<float>(config_.dropout); }
  DType input_dtype() const { return fc1_.input_dtype(); }  // that x should have

 private:
  Tensor widen(const Tensor& x) const;

  MlpConfig config_;
  Linear fc1_;  // or the gate
  std::optional<Linear> value_;
  Linear fc2_;
};

}  // namespace tessera::nn
