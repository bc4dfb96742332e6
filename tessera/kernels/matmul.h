// The matrix product: where a Vision Transformer spends its time.
#pragma once

#include <cstdint>
#include <string>

#include "tessera/core/dtype.h"
#include "tessera/kernels/context.h"
#include "tessera/kernels/frozen.h"

namespace tessera::kernels {

// C = A·B + bias, or C += A·B where c.accumulate (then without bias).
// All row-major and contiguous; M, N and K are at least 1. A transposed operand lies in memory as its transpose.
// Must not be called inside a parallel loop. The same bits for the same thread count.
struct Matmul {
  const float* a;               // (M, K), or (K, M) where transpose_a
  const float* b;               // (K, N), or (N, K) where transpose_b
  const float* bias = nullptr;  // (N), or null
  Grad c;                       // (M, N), not null
  int64_t M, N, K;
  bool transpose_a = false, transpose_b = false;
  FrozenWeights* frozen = nullptr;  // where b may be part of a weight that does not change any more
};
void matmul(Context& context, const Matmul& args);

// Which implementation of oneDNN's does a product, without running it: its pointers are not looked at but for null. An
// Error where it would be reference code, as the product itself would throw.
std::string implementation_of(const Matmul& args);

}  // namespace tessera::kernels
