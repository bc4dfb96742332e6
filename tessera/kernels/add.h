// Sums of tensors of one shape.
#pragma once

#include <cstdint>

#include "tessera/kernels/context.h"

namespace tessera::kernels {

// y = a + b
struct Add {
  const float* a;  // (n)
  const float* b;  // (n)
  float* y;        // (n), may be a or b
  int64_t n;
};
void add(Context& context, const Add& args);

// y = x, or y += x where y.accumulate
struct Accumulate {
  const float* x;  // (n)
  Grad y;          // (n), not null
  int64_t n;
};
void accumulate(Context& context, const Accumulate& args);

}  // namespace tessera::kernels
