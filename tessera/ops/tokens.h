#pragma once

#include <vector>

#include "tessera/core/tensor.h"

namespace tessera::ops {

// Joins tokens of every sample. parts (B, n_i, D) -> (B, Σ n_i, D); a part (1, n_i, D), such as a class token, is given
// to every sample.
Tensor concat_tokens(const std::vector<Tensor>& parts);

// Tokens [begin, begin + count) of every sample. x (B, N, D) -> (B, count, D).
Tensor slice_tokens(const Tensor& x, int64_t begin, int64_t count);

// One token of every sample. x (B, N, D) -> (B, D).
Tensor take_token(const Tensor& x, int64_t index);

}  // namespace tessera::ops
