// A range of columns of a matrix.
#pragma once

#include <cstdint>

#include "tessera/kernels/context.h"

namespace tessera::kernels {

// y = x[:, begin : begin + count]
struct ColumnsForward {
  const float* x;  // (rows, D)
  float* y;        // (rows, count)
  int64_t rows, D, begin, count;
};
void columns_forward(Context& context, const ColumnsForward& args);

// dx is dy in the range and zero elsewhere.
struct ColumnsBackward {
  const float* dy;  // (rows, count)
  Grad dx;          // (rows, D)
  int64_t rows, D, begin, count;
};
void columns_backward(Context& context, const ColumnsBackward& args);

}  // namespace tessera::kernels
