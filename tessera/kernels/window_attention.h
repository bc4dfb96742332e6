// Self-attention within the windows of a map of tokens, regular or shifted (W-MSA and SW-MSA): Liu et al., "Swin
// Transformer" (ICCV 2021), section 3.2, figure 4 and eq. 4.
//
// The map is rolled up and left by `shift`, padded below and at the right to whole windows, and cut into windows of
// M = window.h·window.w places, numbered row by row. Within each:
//
//   s_ij = scale·<q_i, k_j> + table[offset(i, j)] - 100 where rolling brought i and j together
//   p_ij = exp(s_ij - lse_i),   lse_i = log Σ_j exp(s_ij)
//   y_i  = Σ_j m_ij·p_ij·v_j,   m_ij = 1/(1 - dropout), or 0 where dropped
//
// Nothing is rolled, padded or cut: a table says which token stands at each place of each window.
#pragma once

#include <cstdint>

#include "tessera/kernels/context.h"
#include "tessera/kernels/window2d.h"

namespace tessera::kernels {

struct WindowGrid {
  int64_t H, W;             // of the map
  Extent2d window;          // at least 1
  Extent2d shift = {0, 0};  // in [0, window)
  bool pad_first = false;   // the padded map is rolled, so that padding stands between rows of the map
  int64_t rows() const { return (H + window.h - 1) / window.h; }
  int64_t columns() const { return (W + window.w - 1) / window.w; }
  int64_t windows() const { return rows() * columns(); }
  int64_t places() const { return window.h * window.w; }                       // M
  int64_t offsets() const { return (2 * window.h - 1) * (2 * window.w - 1); }  // T, between two places
};

struct WindowAttentionInputs {
  const float* qkv;         // (B, H·W, 3·h·d): [q | k | v], each (h, d)
  const float* padding;     // (3·h·d), the token that the map is padded with; null: zeros
  const float* bias_table;  // (T, h): row (row difference + window.h - 1)·(2·window.w - 1) + column difference +
                            // window.w - 1
  WindowGrid grid;
  int64_t B, h, d;
  float scale;
  // Element (b, window, head, i, j) draws word ((window·h + head)·M + i)·M + j of (dropout_key, step, first_sample +
  // b), see core/random.h, and is kept where uniform_from(word) >= dropout. windows·h·M² <= 2^34.
  float dropout;
  uint64_t dropout_key, step, first_sample;
};

struct WindowAttentionForward {
  WindowAttentionInputs in;
  float* y;    // (B, H·W, h·d)
  float* lse;  // (B, windows, h, M), or null when no backward follows
  float* p;    // (B, windows, h, M, M) before dropout, for explanation; null otherwise
};
void window_attention_forward(Context& context, const WindowAttentionForward& args);

// By the formulas of kernels/attention.h. The token of the padding gets what all its places as keys and values get; its
// queries lead nowhere.
struct WindowAttentionBackward {
  WindowAttentionInputs in;
  const float* dy;   // (B, H·W, h·d)
  const float* y;    // (B, H·W, h·d)
  const float* lse;  // (B, windows, h, M)
  Grad dqkv;         // (B, H·W, 3·h·d)
  Grad dpadding;     // (3·h·d)
  Grad dbias_table;  // (T, h)
};
void window_attention_backward(Context& context, const WindowAttentionBackward& args);

}  // namespace tessera::kernels
