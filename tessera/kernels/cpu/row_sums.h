// Sums over rows on the calling thread: what column_sums and means are made of.
#pragma once

#include <cstdint>

namespace tessera::kernels {

// sums (N) += Σ over rows of x, whose rows are `stride` elements apart.
void add_rows(const float* x, int64_t rows, int64_t stride, int64_t N, float* sums);

}  // namespace tessera::kernels
