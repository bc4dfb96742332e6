// A fully connected layer, with what surrounds it in a Transformer.
//
//   y = act(x·wᵀ + bias)·scale + residual
#pragma once

#include <cstdint>

#include "tessera/kernels/activation.h"
#include "tessera/kernels/context.h"
#include "tessera/kernels/frozen.h"

namespace tessera::kernels {

struct LinearForward {
  ConstElements x;        // (rows, K)
  const float* w;         // (N, K), which products of bf16 take a rounded copy of
  const float* bias;      // (N), or null
  const float* scale;     // (N), or null
  const float* residual;  // (rows, N), or null
  Elements pre;           // (rows, N): gets x·wᵀ + bias, which backward needs; null when none follows or act is none
  Elements y;             // (rows, N); bf16 only where x is, as pre
  int64_t rows, N, K;
  Activation activation;
  FrozenWeights* frozen = nullptr;  // where w may be one that does not change any more
};
void linear_forward(Context& context, const LinearForward& args);

// Without a scale and with dpre = dy·act'(pre):   dx = dpre·w,   dw = dpreᵀ·x,   dbias = Σ_rows dpre.   The residual's
// gradient is dy.
struct LinearBackward {
  const float* dy;  // (rows, N)
  ConstElements x;  // (rows, K), or null where dw is
  const float* w;   // (N, K), or null where dx is
  Elements pre;     // (rows, N), what forward kept; overwritten with dpre
  Grad dx;          // (rows, K)
  Grad dw;          // (N, K)
  Grad dbias;       // (N)
  int64_t rows, N, K;
  Activation activation;
  bool bf16 = false;  // its products
};
void linear_backward(Context& context, const LinearBackward& args);

}  // namespace tessera::kernels
