// Arrays that a kernel reads or writes in either of two types: f32, or bf16, with which it computes in f32.
#pragma once

#include <cstddef>

#include "tessera/core/dtype.h"

namespace tessera::kernels {

struct Elements {
  void* data = nullptr;
  DType dtype = DType::f32;

  Elements() = default;
  Elements(std::nullptr_t) {}
  Elements(float* data) : data(data) {}
  Elements(bf16* data) : data(data), dtype(DType::bf16) {}
  explicit operator bool() const { return data != nullptr; }
};

struct ConstElements {
  const void* data = nullptr;
  DType dtype = DType::f32;

  ConstElements() = default;
  ConstElements(std::nullptr_t) {}
  ConstElements(const float* data) : data(data) {}
  ConstElements(const bf16* data) : data(data), dtype(DType::bf16) {}
  ConstElements(Elements x) : data(x.data), dtype(x.dtype) {}
  explicit operator bool() const { return data != nullptr; }
};

// body(const float*) or body(const bf16*)
template <class Body>
void with_pointer(ConstElements x, Body body) {
  if (x.dtype == DType::bf16) return body(static_cast<const bf16*>(x.data));
  body(static_cast<const float*>(x.data));
}
template <class Body>
void with_pointer(Elements x, Body body) {
  if (x.dtype == DType::bf16) return body(static_cast<bf16*>(x.data));
  body(static_cast<float*>(x.data));
}

}  // namespace tessera::kernels
