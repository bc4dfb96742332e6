// Copies of a run of elements out of, and into, every sample: the parts of a concatenation, and slices.
#pragma once

#include <cstdint>

#include "tessera/kernels/context.h"

namespace tessera::kernels {

// y = x, or y += x where y.accumulate
struct CopySamples {
  const float* x;    // (samples, n): sample s starts at x + s·x_stride; null: zeros
  int64_t x_stride;  // 0: every sample of y gets the same x
  Grad y;            // (samples, n): sample s starts at y + s·y_stride; not null
  int64_t y_stride;
  int64_t samples, n;
};
void copy_samples(Context& context, const CopySamples& args);

}  // namespace tessera::kernels
