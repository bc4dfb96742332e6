// Where a token lies: fixed sine-cosine tables, and learned ones per row and per column.
#pragma once

#include "tessera/nn/module.h"

namespace tessera::nn {

// The fixed table (N, D) of Vaswani et al. (2017), section 3.5, sines and cosines in turn:
//   PE(n, 2i) = sin(n·ω_i),  PE(n, 2i+1) = cos(n·ω_i),  ω_i = 10000^(-2i/D)
Tensor sincos_1d(int64_t N, int64_t D);

// The fixed 2-D table (height·width, D) [sin x·ω, cos x·ω, sin y·ω, cos y·ω], x the column and y the row of a patch.
//   closed  ω_i = 10000^(-i / (D/4 - 1)): MoCo v3, big_vision, lucidrains' SimpleViT
//   open    ω_i = 10000^(-i / (D/4)), which does not reach 1/10000: MAE
// D must be a multiple of 4, at least 8.
enum class Frequencies { closed, open };
Tensor sincos_2d(int64_t height, int64_t width, int64_t D, Frequencies frequencies);

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
