#include "tessera/core/tensor.h"

#include <algorithm>
#include <cstring>

namespace tessera {

namespace {

template <class T>
Tensor copy_of(Shape shape, std::span<const T> values) {
  TESSERA_CHECK(shape.numel() == static_cast<int64_t>(values.size()), "tensor: shape {} needs {} values, but {} came",
                to_string(shape), shape.numel(), values.size());
  Tensor tensor = Tensor::empty(std::move(shape), DTypeOf<T>::value);
  std::copy(values.begin(), values.end(), tensor.data<T>());
  return tensor;
}

}  // namespace

Tensor Tensor::empty(Shape shape, DType dtype) {
  const auto negative = [](int64_t extent) { return extent < 0; };
  TESSERA_CHECK(std::none_of(shape.extents().begin(), shape.extents().end(), negative),
                "tensor: the shape {} has a negative extent", to_string(shape));
  Tensor tensor;
  tensor.elements_ = allocate(static_cast<size_t>(shape.numel()) * size_of(dtype));
  tensor.shape_ = std::move(shape);
  tensor.dtype_ = dtype;
  return tensor;
}

Tensor Tensor::zeros(Shape shape, DType dtype) {
  Tensor tensor = empty(std::move(shape), dtype);
  std::memset(tensor.raw(), 0, tensor.bytes());
  return tensor;
}

Tensor Tensor::full(Shape shape, float value) {
  Tensor tensor = empty(std::move(shape));
  std::fill_n(tensor.data(), tensor.numel(), value);
  return tensor;
}

Tensor Tensor::from(Shape shape, std::span<const float> values) { return copy_of(std::move(shape), values); }
Tensor Tensor::from(Shape shape, std::span<const int64_t> values) { return copy_of(std::move(shape), values); }

Tensor Tensor::mapped(Shape shape, DType dtype, std::shared_ptr<const std::byte> elements) {
  Tensor tensor;
  tensor.elements_ = std::const_pointer_cast<std::byte>(std::move(elements));
  tensor.shape_ = std::move(shape);
  tensor.dtype_ = dtype;
  tensor.mapped_ = true;
  return tensor;
}

float Tensor::item() const {
  TESSERA_CHECK(numel() == 1, "tensor: item() needs one element, but the shape is {}", to_string(shape_));
  return *data();
}

Tensor Tensor::reshape(Shape shape) const {
  TESSERA_CHECK(shape.numel() == numel(), "reshape: {} elements of {} do not fit {}", numel(), to_string(shape_),
                to_string(shape));
  Tensor tensor = *this;
  tensor.shape_ = std::move(shape);
  return tensor;
}

Tensor Tensor::rows(int64_t begin, int64_t count) const {
  TESSERA_CHECK(rank() > 0 && begin >= 0 && count >= 0 && begin + count <= size(0), "rows: [{}, {}) is not within {}",
                begin, begin + count, to_string(shape_));
  const int64_t row_bytes = size(0) ? static_cast<int64_t>(bytes()) / size(0) : 0;
  Tensor tensor;
  tensor.elements_ = {elements_, elements_.get() + begin * row_bytes};
  tensor.shape_ = shape_;
  tensor.shape_[0] = count;
  tensor.dtype_ = dtype_;
  tensor.mapped_ = mapped_;
  if (row_scales_) {
    const int64_t runs = size(0) ? row_scales_->numel() / size(0) : 0;  // in each row
    tensor.row_scales_ = std::make_shared<Tensor>(row_scales_->rows(begin * runs, count * runs));
  }
  return tensor;
}

Tensor Tensor::quantised(Tensor elements, Tensor row_scales) {
  TESSERA_CHECK(elements.dtype() == DType::s8 && row_scales.dtype() == DType::f32 && row_scales.rank() == 1 &&
                    row_scales.numel() > 0 && elements.numel() % row_scales.numel() == 0,
                "tensor: {} {} cannot have the row scales {}", name_of(elements.dtype()), to_string(elements.shape()),
                to_string(row_scales.shape()));
  elements.row_scales_ = std::make_shared<Tensor>(std::move(row_scales));
  return elements;
}

Tensor Tensor::detach() const {
  Tensor tensor = *this;
  tensor.gradient_.reset();
  return tensor;
}

Tensor Tensor::clone() const {
  Tensor tensor = empty(shape_, dtype_);
  std::memcpy(tensor.raw(), raw(), bytes());
  if (row_scales_) tensor.row_scales_ = std::make_shared<Tensor>(row_scales_->clone());
  return tensor;
}

Tensor& Tensor::set_requires_grad(bool on) {
  if (!on) {
    gradient_.reset();
  } else if (!gradient_) {
    gradient_ = std::make_shared<Gradient>();
  }
  return *this;
}

Tensor Tensor::grad() const {
  if (!gradient_ || !gradient_->written) return {};
  return gradient_->value->reshape(shape_);
}

}  // namespace tessera
