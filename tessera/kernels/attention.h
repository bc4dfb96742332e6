// Scaled dot-product attention of h heads: Vaswani et al., "Attention Is All You Need" (2017), eq. 1. The (Nq, Nk)
// probabilities are never held as a whole, forward or backward: Dao et al., "FlashAttention" (2022).
//
//   s_ij = scale·<q_i, k_j> + bias_ij, and -inf where key j may not be seen
//   p_ij = exp(s_ij - lse_i),   lse_i = log Σ_j exp(s_ij)
//   y_i  = Σ_j m_ij·p_ij·v_j,   m_ij = 1/(1 - dropout), or 0 where dropped
//
// A query that may see no key has p = 0, y = 0 and lse = +inf.
#pragma once

#include <cstdint>

#include "tessera/kernels/context.h"

namespace tessera::kernels {

// Tokens of all heads: token i of batch b, head n is the d floats from data + b·batch + i·row + n·d. So q, k and v can
// lie in one (B, N, 3·h·d) array. Or whole numbers at the same places of `s8`, multiples of
// scale[(b·batch + i·row)/d + n], as kernels/quantize.h says.
struct Tokens {
  const float* data;
  int64_t row, batch;
  const int8_t* s8 = nullptr;
  const float* scale = nullptr;
};
struct TokensGrad {
  Grad grad;
  int64_t row, batch;
};

// Query i of batch b, head n may see key j where seen[b·batch + n·head + i·query + j] is not 0. A step of 0: all alike.
struct PairMask {
  const uint8_t* seen = nullptr;  // null: every pair
  int64_t batch = 0, head = 0, query = 0;
};

struct AttentionInputs {
  Tokens q;  // Nq tokens
  Tokens k;  // Nk tokens
  Tokens v;  // Nk tokens
  int64_t B, h, Nq, Nk, d;
  float scale;
  // (B, Nk), 0 where no query may see the key; or null. What stands in such a key and its value is never looked at.
  const uint8_t* key_mask;
  PairMask mask;
  // At most one of: bias (h, Nq, Nk), or bias_table[bias_index[i, j], head].
  const float* bias;
  const float* bias_table;    // (T, h)
  const int32_t* bias_index;  // (Nq, Nk), each in [0, T)
  int64_t T;
  // Element (b, head, i, j) draws word (head·Nq + i)·Nk + j of (dropout_key, step, first_sample + b), see
  // core/random.h, and is kept where uniform_from(word) >= dropout. h·Nq·Nk <= 2^34.
  float dropout;
  uint64_t dropout_key, step, first_sample;
};

struct AttentionForward {
  AttentionInputs in;
  float* y;    // (B, Nq, h·d)
  float* lse;  // (B, h, Nq), or null when no backward follows
  float* p;    // (B, h, Nq, Nk) before dropout, for explanation; null otherwise
};
void attention_forward(Context& context, const AttentionForward& args);

// Where q, k and v are whole numbers (all of them, on a machine with has_s8_products(), and nobody asks for lse, p or
// dropout), by the same formulas in whole numbers: p_ij times the scale of v_j is rounded to multiples of 1/255 of the
// largest for that query.

// p is computed again from q, k and lse. With delta_i = <dy_i, y_i> and dp_ij = m_ij·<dy_i, v_j>:
//   ds_ij = p_ij·(dp_ij - delta_i)
//   dq_i = scale·Σ_j ds_ij·k_j,   dk_j = scale·Σ_i ds_ij·q_i,   dv_j = Σ_i m_ij·p_ij·dy_i,   dbias = Σ_b ds
struct AttentionBackward {
  AttentionInputs in;
  const float* dy;        // (B, Nq, h·d)
  const float* y;         // (B, Nq, h·d)
  const float* lse;       // (B, h, Nq)
  TokensGrad dk, dv, dq;  // of each head, filled in this order
  Grad dbias;             // (h, Nq, Nk)
  Grad dbias_table;       // (T, h)
};
void attention_backward(Context& context, const AttentionBackward& args);

}  // namespace tessera::kernels
