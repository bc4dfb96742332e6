// Scratch memory of kernels.
#pragma once

#include <cstdint>
#include <memory>

#include "tessera/core/allocator.h"

namespace tessera::kernels {

// n uninitialised elements from the caching allocator.
template <class T>
class Scratch {
 public:
  explicit Scratch(int64_t n) : memory_(allocate(static_cast<size_t>(n) * sizeof(T))) {}
  T* data() const { return reinterpret_cast<T*>(memory_.get()); }

 private:
  std::shared_ptr<std::byte> memory_;
};
using Floats = Scratch<float>;

}  // namespace tessera::kernels
