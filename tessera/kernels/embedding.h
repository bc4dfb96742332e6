// Rows of a table by their index.
#pragma once

#include <cstdint>

#include "tessera/kernels/context.h"

namespace tessera::kernels {

// y_i = table_{index_i}, or zeros where index_i is -1: there is nothing (the padding behind a short sentence).
struct EmbeddingForward {
  const float* table;    // (T, D)
  const int32_t* index;  // (N), in [-1, T)
  float* y;              // (N, D)
  int64_t N, D;
};
void embedding_forward(Context& context, const EmbeddingForward& args);

// dtable_t = Σ_{i: index_i = t} dy_i
struct EmbeddingBackward {
  const float* dy;       // (N, D)
  const int32_t* index;  // (N)
  Grad dtable;           // (T, D)
  int64_t N, T, D;
};
void embedding_backward(Context& context, const EmbeddingBackward& args);

}  // namespace tessera::kernels
