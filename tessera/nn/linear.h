// A linear layer: y = x·Wᵀ + b, with timm's names `weight` (out, in) and `bias` (out).
#pragma once

#include "tessera/nn/init.h"
#include "tessera/ops/linear.h"
#include "tessera/ops/precision.h"
#include "tessera/ops/rows.h"
#include "tessera/ops/tap.h"

namespace tessera::nn {

class Linear : public Module {
 public:
  Linear(int64_t in, int64_t out, bool bias = true, Init weight_init = trunc_normal(0.02), Init bias_init = zeros()) {
    add_parameter("weight", weight_, {out, in}, std::move(weight_init));
    if (bias) add_parameter("bias", bias_, {out}, std::move(bias_init));
  }
  // x (…, in) -> (…, out): activation(x·Wᵀ + b) + residual. Offers x as the tap `<path>.input`.
  Tensor forward(const Tensor& x, ops::LinearOptions options = {}) const {
    if (ops::tapping()) ops::tap(path("input"), x);
    return ops::linear(x, weight_, bias_, options);
  }
  // The outputs [begin, begin + count) alone: x (…, in) -> (…, count)
  Tensor forward_outputs(const Tensor& x, int64_t begin, int64_t count, const ops::LinearOptions& options = {}) const {
    if (ops::tapping()) ops::tap(path("input"), x);
    return ops::linear(x, ops::rows(weight_, begin, count), bias_ ? ops::rows(bias_, begin, count) : bias_, options);
  }
  // The type in which forward() likes x best.
  DType input_dtype() const { return ops::input_of_product(weight_); }
  const Tensor& weight() const { return weight_; }
  const Tensor& bias() const { return bias_; }  // undefined where there is none

 private:
  Tensor weight_, bias_;
};

}  // namespace tessera::nn
