#pragma once

#include <string>

#include "tessera/core/tensor.h"

namespace tessera::ops {

struct AttentionOptions {
  int64_t heads = 1;
  float scale = 1;
  // Which keys may be seen, 1 or 0 (u8); of both, those that both allow. A query that may see none gives 0.
  Tensor key_mask;    // (B, Nk): padding. What stands in a hidden key and its value changes nothing, NaN or not
  Tensor mask;        // (B or 1, heads or 1, Nq or 1, Nk): by query, as a causal mask is
  Tensor bias;        // (heads, Nq, Nk), added to the scaled scores
  Tensor bias_table;  // (T, heads), with bias_index s32 (Nq, Nk) into its rows: bias[n, i, j] = table[index[i, j], n]
  Tensor bias_index;
  float dropout = 0;  // of the probabilities, in training mode; drawn from (seed, dropout_path, step, sample, element)
  std::string dropout_path;
  std::string tap;  // name under which the probabilities (B, heads, Nq, Nk), before dropout, are offered
};

// Scaled dot-product attention, see kernels/attention.h. qkv (B, N, 3·heads·d) holds [q | k | v], each (heads, d)
// -> (B, N, heads·d)
Tensor attention(const Tensor& qkv, const AttentionOptions& options);
// q (B, Nq, heads·d), kv (B, Nk, 2·heads·d) holds [k | v] -> (B, Nq, heads·d)
Tensor attention(const Tensor& q, const Tensor& kv, const AttentionOptions& options);
// q (B, Nq, heads·d), k and v (B, Nk, heads·d) -> (B, Nq, heads·d). In inference all three may be quantised in runs of
// d.
Tensor attention(const Tensor& q, const Tensor& k, const Tensor& v, const AttentionOptions& options);

}  // namespace tessera::ops
