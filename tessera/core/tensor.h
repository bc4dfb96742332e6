// A tensor: a contiguous, row-major, reference-counted handle. Copying a handle shares the elements and the gradient.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "tessera/core/allocator.h"
#include "tessera/core/dtype.h"
#include "tessera/core/error.h"
#include "tessera/core/shape.h"

namespace tessera {

class Tensor;

// Where the gradient of a tensor collects. The first contribution writes, later ones add.
struct Gradient {
  std::shared_ptr<Tensor> value;  // null until the first contribution, or a buffer given beforehand (a parameter's)
  bool written = false;
};

class Tensor {
 public:
  Tensor() = default;

  static Tensor empty(Shape shape, DType dtype = DType::f32);  // uninitialised
  static Tensor zeros(Shape shape, DType dtype = DType::f32);
  static Tensor full(Shape shape, float value);
  // Copies `values`, whose number must be shape.numel().
  static Tensor from(Shape shape, std::span<const float> values);
  static Tensor from(Shape shape, std::span<const int64_t> values);
  // Elements of a mapped file, which the pointer keeps alive. They must not be written to.
  static Tensor mapped(Shape shape, DType dtype, std::shared_ptr<const std::byte> elements);

  bool defined() const { return elements_ != nullptr; }
  explicit operator bool() const { return defined(); }
  const Shape& shape() const { return shape_; }
  int rank() const { return shape_.rank(); }
  int64_t size(int axis) const { return shape_[axis]; }  // negative axes count from the back
  int64_t numel() const { return shape_.numel(); }
  DType dtype() const { return dtype_; }
  Device device() const { return Device::cpu; }
  size_t bytes() const { return static_cast<size_t>(numel()) * size_of(dtype_); }

  // The elements; T must be the dtype. A handle to const elements does not exist: constness is the caller's promise.
  template <class T = float>
  T* data() const {
    TESSERA_CHECK(DTypeOf<T>::value == dtype_, "tensor {} holds {}, not {}", to_string(shape_), name_of(dtype_),
                  name_of(DTypeOf<T>::value));
    return reinterpret_cast<T*>(elements_.get());
  }
  template <class T = float>
  std::span<T> span() const {
    return {data<T>(), static_cast<size_t>(numel())};
  }
  bool is_mapped() const { return mapped_; }
  // Whether this handle is the only one to the elements, so that they may be overwritten.
  bool is_unique() const { return !mapped_ && elements_.use_count() == 1; }
  std::byte* raw() const { return elements_.get(); }
  float item() const;  // the only element

  // A quantised tensor: s8 elements in R equal runs (the rows of weights, the tokens of activations), each of them
  // multiples of one of the f32 scales (R).
  static Tensor quantised(Tensor elements, Tensor row_scales);
  bool is_quantised() const { return row_scales_ != nullptr; }
  const Tensor& row_scales() const { return *row_scales_; }

  // The same elements and gradient under another shape; numel must agree.
  Tensor reshape(Shape shape) const;
  // Rows [begin, begin + count) of the first axis, sharing elements; takes no part in differentiation.
  Tensor rows(int64_t begin, int64_t count) const;
  // The same elements without a gradient: differentiation stops here.
  Tensor detach() const;
  Tensor clone() const;  // a copy of the elements, without a gradient

  // Differentiation. A tensor takes part if it has a place for its gradient.
  bool requires_grad() const { return gradient_ != nullptr; }
  Tensor& set_requires_grad(bool on = true);
  const std::shared_ptr<Gradient>& gradient() const { return gradient_; }
  // The gradient in this tensor's shape. Undefined where backward has not reached it.
  Tensor grad() const;

 private:
  std::shared_ptr<std::byte> elements_;
  Shape shape_;
  DType dtype_ = DType::f32;
  bool mapped_ = false;
  std::shared_ptr<Gradient> gradient_;
  std::shared_ptr<const Tensor> row_scales_;
};

}  // namespace tessera
