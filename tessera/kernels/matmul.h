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

// C = A·Bᵀ of whole numbers in [-127, 127], exact while K < 2^17. Otherwise as above.
struct MatmulS8 {
  const int8_t* a;  // (M, K)
  const int8_t* b;  // (N, K)
  int32_t* c;       // (M, N)
  int64_t M, N, K;
  FrozenWeights* frozen = nullptr;
};
void matmul_s8(Context& context, const MatmulS8& args);

// Which implementation of oneDNN's does a product, without running it: its pointers are not looked at but for null. An
// Error where it would be reference code, as the product itself would throw.
std::string implementation_of(const Matmul& args);
std::string implementation_of(const MatmulS8& args);
// Whether this machine has instructions for it (VNNI). Elsewhere products of whole numbers take longer than of floats.
bool has_matmul_s8();

}  // namespace tessera::kernels
