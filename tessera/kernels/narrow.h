// f32 to bf16, rounded to the nearest, to the even one in the middle. NaN stays NaN.
#pragma once

#include <cstdint>

#include "tessera/core/dtype.h"
#include "tessera/kernels/context.h"

namespace tessera::kernels {

struct Narrow {
  const float* x;  // (n)
  bf16* y;         // (n)
  int64_t n;
};
void narrow(Context& context, const Narrow& args);

}  // namespace tessera::kernels
