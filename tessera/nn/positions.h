// Where a patch lies: fixed sine-cosine tables, and learned ones per row and per column.
#pragma once

#include "tessera/nn/module.h"

namespace tessera::nn {

// The fixed 2-D table (height·width, D) of MoCo v3 and big_vision: [sin x·ω, cos x·ω, sin y·ω, cos y·ω] with
// ω_i = 10000^(-i / (D/4 - 1)), x the column and y the row of a patch. D must be a multiple of 4, at least 8.
Tensor sincos_2d(int64_t height, int64_t width, int64_t D);

// Learned tables `row` (height, D) and `col` (width, D); a patch's position is the sum of its row's and its column's.
class RowColumnPositions : public Module {
 public:
  RowColumnPositions(int64_t height, int64_t width, int64_t D);
  Tensor forward() const;  // (height·width, D)

 private:
  Tensor row_, col_;
  Tensor row_of_, col_of_;  // s32 (height·width)
};

}  // namespace tessera::nn
