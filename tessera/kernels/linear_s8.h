// A fully connected layer with quantised weights, for inference.
//
//   y = act(s_r·t_n·Σ_k q_rk·w_nk + bias_n)·scale_n + residual      q, s: the rows of x, quantised as
//   kernels/quantize.h says
#pragma once

#include <cstdint>

#include "tessera/kernels/activation.h"
#include "tessera/kernels/context.h"
#include "tessera/kernels/frozen.h"

namespace tessera::kernels {

struct LinearS8Forward {
  const float* x = nullptr;         // (rows, K); or, where x was quantised before:
  const int8_t* q = nullptr;        // (rows, K)
  const float* q_scale = nullptr;   // (rows) s
  const int8_t* w;                  // (N, K)
  const float* w_scale;             // (N) t
  const float* bias = nullptr;      // (N), or null
  const float* scale = nullptr;     // (N), or null
  const float* residual = nullptr;  // (rows, N), or null
  float* y = nullptr;               // (rows, N); or, where y is to be quantised:
  int8_t* y_q = nullptr;            // (rows, N)
  float* y_scale = nullptr;         // (rows, N / y_run): one for each run of y_run elements, which divides N
  int64_t y_run = 0;
  int64_t rows, N, K;
  Activation activation;
  FrozenWeights* frozen = nullptr;  // where w may be one that does not change any more
};
// Exact sums while K < 2^16. On machines without instructions for it, with s_r·q_r = x_r and in floats; then neither q
// nor y_q may be given.
void linear_s8_forward(Context& context, const LinearS8Forward& args);

// Whether this machine has instructions for it (AVX512_VNNI or AVX_VNNI).
bool has_s8_products();

}  // namespace tessera::kernels
