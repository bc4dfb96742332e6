// Scratch memory of kernels.
#pragma once

#include <cstdint>
#include <memory>

#include "tessera/core/allocator.h"

namespace tessera::kernels {

// n uninitialised floats from the caching allocator.
class Floats {
 public:
  explicit Floats(int64_t n) : memory_(allocate(static_cast<size_t>(n) * sizeof(float))) {}
  float* data() const { return reinterpret_cast<float*>(memory_.get()); }

 private:
  std::shared_ptr<std::byte> memory_;
};

}  // namespace tessera::kernels
