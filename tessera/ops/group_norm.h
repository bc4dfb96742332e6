#pragma once

#include "tessera/core/tensor.h"

namespace tessera::ops {

struct GroupNormOptions {
  int64_t groups = 32;  // divide C
  float eps = 1e-5f;
  bool relu = false;  // behind it
};

// Group normalisation. x (B, …, C), gamma (C), beta (C) -> like x. See kernels/group_norm.h.
Tensor group_norm(const Tensor& x, const Tensor& gamma, const Tensor& beta, const GroupNormOptions& options = {});

}  // namespace tessera::ops
