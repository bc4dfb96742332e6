// In which type the products of linear layers multiply. A policy of whoever runs a model, which its layers do not know.
#pragma once

#include "tessera/core/tensor.h"
#include "tessera/kernels/elements.h"

namespace tessera::ops {

// bf16: the operands of products, and what lies between two layers for no other use, are rounded to bf16; sums, weights
// and everything else stay f32.
enum class Precision { f32, bf16 };

// While one lives, operations on this thread use `precision`; f32 where none does. An Error for bf16 on a machine
// without products of it.
class WithPrecision {
 public:
  explicit WithPrecision(Precision precision);
  ~WithPrecision();
  WithPrecision(const WithPrecision&) = delete;
  WithPrecision& operator=(const WithPrecision&) = delete;

 private:
  Precision before_;
};
Precision current_precision();

// "f32", "bf16", or "auto": bf16 where it makes products of this machine faster by a good part, by one measurement.
Precision precision_named(const std::string& name);
const char* name_of(Precision precision);

// The type in which products with these weights like x best, from layer_norm() or from the linear() before: s8 for
// quantised weights, bf16 with that precision. f32 where somebody listens to taps.
DType input_of_product(const Tensor& w);

// The elements of a tensor of f32 or bf16; none of an undefined one.
kernels::Elements elements_of(const Tensor& x);

}  // namespace tessera::ops
