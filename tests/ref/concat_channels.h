// Channels joined.
#pragma once

#include "tests/harness/array.h"

namespace tessera::test {

// parts (…, C_i) -> (…, Σ C_i)
template <class T>
Array<T> ref_concat_channels(const std::vector<Array<T>>& parts) {
  Shape shape = parts[0].shape;
  const int64_t P = shape.numel() / shape[-1];
  shape[-1] = 0;
  for (const auto& part : parts) shape[-1] += part.shape[-1];
  Array<T> y(shape);
  int64_t i = 0;
  for (int64_t p = 0; p < P; ++p)
    for (const auto& part : parts)
      for (int64_t c = 0; c < part.shape[-1]; ++c) y[i++] = part[p * part.shape[-1] + c];
  return y;
}

}  // namespace tessera::test
