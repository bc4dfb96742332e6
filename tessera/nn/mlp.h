// The transformer's MLP: fc2(act(fc1(x))). Vaswani et al., "Attention Is All You Need" (2017), eq. 2; GELU as in ViT.
#pragma once

#include "tessera/nn/linear.h"

namespace tessera::nn {

class Mlp : public Module {
 public:
  Mlp(int64_t D, int64_t hidden, kernels::Activation activation, double dropout)
      : fc1_(D, hidden), fc2_(hidden, D), activation_(activation), dropout_(static_cast<float>(dropout)) {
    add_child("fc1", fc1_);
    add_child("fc2", fc2_);
  }
  // x (B, N, D) -> (B, N, D). last: options of the second layer. Dropout is where timm has it: after the activation and
  // at the end; with dropout in force there must be no residual.
  Tensor forward(const Tensor& x, const ops::LinearOptions& last = {}) const;
  float dropout() const { return dropout_; }
  DType input_dtype() const { return fc1_.input_dtype(); }  // that x should have

 private:
  Linear fc1_, fc2_;
  kernels::Activation activation_;
  float dropout_;
};

}  // namespace tessera::nn
