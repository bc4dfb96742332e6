// Sums of tensors.
#pragma once

#include <cstdint>

#include "tessera/kernels/context.h"

namespace tessera::kernels {

// y = a + b, where every sample of a gets the same b
struct Add {
  const float* a;       // (samples, n)
  const float* b;       // (n)
  float* y;             // (samples, n), may be a
  int64_t n;            // elements per sample
  int64_t samples = 1;  // with one, y may be b too
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
