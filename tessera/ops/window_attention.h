#pragma once

#include <string>

#include "tessera/core/tensor.h"
#include "tessera/kernels/window_attention.h"

namespace tessera::ops {

using kernels::WindowGrid;

struct WindowAttentionOptions {
  WindowGrid grid;
  int64_t heads = 1;
  float scale = 1;
  // ((2·window.h - 1)·(2·window.w - 1), heads): what is added to the scores, by row and column offset
  Tensor bias_table;
  Tensor padding;     // (3·heads·d): q, k and v of the tokens with which the map is padded; zeros where undefined
  float dropout = 0;  // of the probabilities, in training mode; drawn from (seed, dropout_path, step, sample, element)
  std::string dropout_path;
  std::string tap;  // name under which the probabilities (B, windows, heads, M, M), before dropout, are offered
};

// Multi-head self-attention within the windows of a map, see kernels/window_attention.h. qkv (B, H·W, 3·heads·d) holds
// [q | k | v], each (heads, d), tokens row by row -> (B, H·W, heads·d)
Tensor window_attention(const Tensor& qkv, const WindowAttentionOptions& options);

}  // namespace tessera::ops
