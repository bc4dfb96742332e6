// Sums over the rows of a matrix: the gradient of what every row got, such as a bias or the positions.
#pragma once

#include <cstdint>

#include "tessera/kernels/context.h"
#include "tessera/kernels/elements.h"

namespace tessera::kernels {

// sums[j] = Σ_i x[i, j]. The same bits for the same thread count.
struct ColumnSums {
  ConstElements x;  // (rows, N): row i starts at x + i·stride
  Grad sums;        // (N), not null
  int64_t rows, N;  // at least 1
  int64_t stride = N;
};
void column_sums(Context& context, const ColumnSums& args);

}  // namespace tessera::kernels
