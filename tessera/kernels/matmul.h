// The matrix product: where a Vision Transformer spends its time.
#pragma once

#include <cstdint>
#include <string>

#include "tessera/core/dtype.h"
#include "tessera/kernels/context.h"
#include "tessera/kernels/elements.h"
#include "tessera/kernels/frozen.h"

namespace tessera::kernels {

// C = A·B + bias, or C += A·B where c.accumulate (then without bias).
// All row-major and contiguous; M, N and K are at least 1. A transposed operand lies in memory as its transpose.
// Must not be called inside a parallel loop. The same bits for the same thread count.
//
// Where a is bf16 it is a product of bf16 with sums in f32: b may then be f32, of which a rounded copy is used. Only on
// machines with has_bf16_products().
struct Matmul {
  ConstElements a;              // (M, K), or (K, M) where transpose_a
  ConstElements b;              // (K, N), or (N, K) where transpose_b
  const float* bias = nullptr;  // (N), or null
  Grad c;                       // (M, N); or, where a is bf16 and nothing is accumulated,
  bf16* narrow_c = nullptr;     // (M, N)
  int64_t M, N, K;
  bool transpose_a = false, transpose_b = false;
  FrozenWeights* frozen = nullptr;  // where b may be part of a weight that does not change any more
};
void matmul(Context& context, const Matmul& args);

// Which implementation of oneDNN's does a product, without running it: its pointers are not looked at but for null. An
// Error where it would be reference code, as the product itself would throw.
std::string implementation_of(const Matmul& args);

// Whether this machine multiplies bf16 (AVX512_BF16). Elsewhere it would take longer than f32.
bool has_bf16_products();

}  // namespace tessera::kernels
