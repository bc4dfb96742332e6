// Differentiation: operations record how to go back; backward() walks the record in reverse and frees it as it goes.
//
// The record (the tape) belongs to the thread. An operation whose inputs want no gradient records nothing.
#pragma once

#include <functional>
#include <initializer_list>
#include <memory>

#include "tessera/core/tensor.h"
#include "tessera/kernels/context.h"

namespace tessera::ops {

// While one lives, operations on this thread record nothing: inference, and the first pass of checkpoint().
class NoGrad {
 public:
  NoGrad();
  ~NoGrad();
  NoGrad(const NoGrad&) = delete;
  NoGrad& operator=(const NoGrad&) = delete;

 private:
  bool before_;
};

// True if an operation on these inputs must be recorded. Undefined tensors (an absent bias) do not count.
bool recording(std::initializer_list<Tensor> inputs);

// What an operation keeps of an input whose gradient it will fill: the place, without the elements.
class GradientOf {
 public:
  GradientOf() = default;
  explicit GradientOf(const Tensor& x) : gradient_(x.gradient()), shape_(x.shape()) {}
  bool wanted() const { return gradient_ != nullptr; }
  // The buffer to fill, marked as written: a first contribution writes, a later one accumulates. Null if not wanted.
  kernels::Grad target() const;
  // Adds a gradient that lies in a tensor of the same numel; takes it over without a copy where it is the first.
  void add(const Tensor& dx) const;

 private:
  std::shared_ptr<Gradient> gradient_;
  Shape shape_;
};

// Records that y came from an operation: `backward` gets dy in y's shape and fills the gradients of the inputs. Makes y
// take part in differentiation. Backward is not called if dy never came.
void record(Tensor& y, std::function<void(const Tensor& dy)> backward);

// Gradients of a scalar loss (or of <y, dy>) with respect to everything recorded on this thread. Empties the tape.
// Gradients of leaves add to those already written: zero_grad() makes the next one the first again.
void backward(const Tensor& loss);
void backward(const Tensor& y, const Tensor& dy);
void zero_grad(const Tensor& parameter);

// f(x), keeping none of its intermediates: backward runs f again. Chen et al., "Training Deep Nets with Sublinear
// Memory Cost" (2016). f must be a pure function of x and of parameters; its randomness repeats, since it is
// counter-based.
Tensor checkpoint(const std::function<Tensor(const Tensor&)>& f, const Tensor& x);

}  // namespace tessera::ops
