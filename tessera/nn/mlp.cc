#include "tessera/nn/mlp.h"

#include "tessera/ops/dropout.h"
#include "tessera/ops/swiglu.h"
#include "tessera/ops/training.h"

namespace tessera::nn {

kernels::Activation activation_named(const std::string& name) {
  if (name == "relu") return kernels::Activation::relu;
  return name == "gelu_tanh" ? kernels::Activation::gelu_tanh : kernels::Activation::gelu_erf;
}

Mlp::Mlp(const MlpConfig& config)
    : config_(config),
      fc1_(config.D, config.hidden),
      fc2_(config.layer == MlpLayer::swiglu_packed ? config.hidden / 2 : config.hidden, config.D) {
  const bool separate = config.layer == MlpLayer::swiglu;
  add_child(separate ? "fc1_g" : "fc1", fc1_);
  if (separate) add_child("fc1_x", value_.emplace(config.D, config.hidden));
  add_child("fc2", fc2_);
}

// x (B, N, D) -> (B, N, hidden), half of it for swiglu_packed, in the type that fc2 likes best where nothing lies
// between
Tensor Mlp::widen(const Tensor& x) const {
  const bool dropping = ops::current_training() && config_.dropout > 0;
  const bool agreed = !dropping && fc1_.input_dtype() == fc2_.input_dtype();
  const DType dtype = agreed ? fc2_.input_dtype() : DType::f32;
  if (config_.layer == MlpLayer::mlp) return fc1_.forward(x, {.activation = config_.activation, .dtype = dtype});
  const DType gated = dtype == DType::s8 ? DType::f32 : dtype;  // whole numbers come from products and norms alone
  const Tensor gate = fc1_.forward(x, {.dtype = gated});
  return value_ ? ops::swiglu(gate, value_->forward(x, {.dtype = gated}), gated) : ops::swiglu(gate, gated);
}

Tensor Mlp::forward(const Tensor& x, const ops::LinearOptions& last) const {
  const Tensor hidden = ops::dropout(widen(x), dropout(), path("drop1"));  // (B, N, hidden)
  const Tensor y = fc2_.forward(hidden, last);                             // (B, N, D)
  return last.residual ? y : ops::dropout(y, dropout(), path("drop2"));    // (B, N, D)
}

}  // namespace tessera::nn
