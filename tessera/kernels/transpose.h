// Rows and columns of every sample change places.
#pragma once

#include <cstdint>

#include "tessera/kernels/context.h"

namespace tessera::kernels {

// y[b, n, m] = x[b, m, n], or added to what is there where y.accumulate. Its own backward, with M and N exchanged.
struct Transpose {
  const float* x;  // (B, M, N)
  Grad y;          // (B, N, M), not null
  int64_t B, M, N;
};
void transpose(Context& context, const Transpose& args);

}  // namespace tessera::kernels
