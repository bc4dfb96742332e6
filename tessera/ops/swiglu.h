#pragma once

#include "tessera/core/tensor.h"

namespace tessera::ops {

// silu(gate)·x, see kernels/swiglu.h. gate and x (…, N), both f32 or bf16 -> (…, N) in `dtype`, f32 or bf16
Tensor swiglu(const Tensor& gate, const Tensor& x, DType dtype = DType::f32);
// packed (…, 2·N) holds [gate | x] -> (…, N)
Tensor swiglu(const Tensor& packed, DType dtype = DType::f32);

}  // namespace tessera::ops
