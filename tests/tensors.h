// Tensors that tests are fed with.
#pragma once

#include <string_view>

#include "tessera/core/random.h"
#include "tessera/core/tensor.h"

namespace tessera::test {

// Normal numbers that belong to the purpose.
inline Tensor normal(Shape shape, std::string_view purpose) {
  Random random(1, purpose);
  Tensor x = Tensor::empty(std::move(shape));
  for (float& value : x.span()) value = static_cast<float>(random.normal());
  return x;
}

}  // namespace tessera::test
