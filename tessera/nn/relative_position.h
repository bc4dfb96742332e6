// Relative positions: a number per head for each offset between two patches, added to the attention scores. Liu et al.,
// "Swin Transformer" (2021), eq. 4. The numbers are learned each by itself, or come from a small network over the
// offsets: Liu et al., "Swin Transformer V2" (2022), section 3.3. Names and layout as in timm.
#pragma once

#include <memory>

#include "tessera/nn/linear.h"

namespace tessera::nn {

struct RelativeConfig {
  int64_t height = 0, width = 0;  // of the grid of patches
  int64_t prefix = 0;             // tokens in front of the patches (class, registers)
  int64_t mlp_hidden = 0;         // width of the network over the offsets; 0: a learned table
};

// bias[head, i, j] = table[index[i, j], head]
class RelativePositions : public Module {
 public:
  // (T, h): a row for each of the (2·height - 1)(2·width - 1) offsets, then, with a prefix, three: from it to a patch,
  // from a patch to it, within it.
  virtual Tensor table() const = 0;
  // s32 (N, N): which row is for query i and key j; (row difference)·(2·width - 1) + column difference.
  const Tensor& index() const { return index_; }
  Tensor dense() const;  // (h, N, N)

 protected:
  explicit RelativePositions(const RelativeConfig& config);

 private:
  Tensor index_;
};

// timm's RelPosBias: the parameter `relative_position_bias_table` (T, h) is the table.
class RelativePositionBias : public RelativePositions {
 public:
  RelativePositionBias(const RelativeConfig& config, int64_t heads);
  Tensor table() const override { return table_; }

 private:
  Tensor table_;
};

// timm's RelPosMlp in its mode "cr": `mlp.fc2`(relu(`mlp.fc1`(sign(Δ)·ln(1 + |Δ|)))) of the row and column differences
// Δ. Pairs with a prefix token get 0.
class RelativePositionMlp : public RelativePositions {
 public:
  RelativePositionMlp(const RelativeConfig& config, int64_t heads);
  Tensor table() const override;

 private:
  bool prefix_;
  Tensor offsets_;  // (T, 2), the logarithms
  Linear fc1_, fc2_;
};

std::unique_ptr<RelativePositions> relative_positions(const RelativeConfig& config, int64_t heads);

}  // namespace tessera::nn
