// Relative position bias: a learned number per head for each offset between two patches, added to the attention scores.
// Liu et al., "Swin Transformer" (2021), eq. 4; the layout of the table is timm's (RelPosBias).
#pragma once

#include "tessera/nn/module.h"

namespace tessera::nn {

struct RelativeGrid {
  int64_t height = 0, width = 0;  // patches
  int64_t prefix = 0;             // tokens in front of the patches (class, registers)
};

class RelativePositionBias : public Module {
 public:
  RelativePositionBias(const RelativeGrid& grid, int64_t heads);
  // `relative_position_bias_table` (T, h), T = (2·height - 1)(2·width - 1), plus three rows with a prefix: from it to a
  // patch, from a patch to it, within it.
  const Tensor& table() const { return table_; }
  // s32 (N, N): which row is for query i and key j; (row difference)·(2·width - 1) + column difference.
  const Tensor& index() const { return index_; }
  Tensor dense() const;  // (h, N, N)

 private:
  Tensor table_, index_;
};

}  // namespace tessera::nn
