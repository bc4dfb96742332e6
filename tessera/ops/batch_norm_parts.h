#pragma once

#include <vector>

#include "tessera/ops/batch_norm.h"

namespace tessera::ops {

// Mean and biased variance of each channel: x (B, …, C) -> (2, C).
Tensor moments(const Tensor& x);

// Some channels of what is normalised.
struct NormPart {
  Tensor x;             // (B, …, C_i)
  Tensor moments = {};  // of x, where they normalise: in training
};

// Batch normalisation of the parts' channels, joined: act(norm([x_1, …, x_n])). parts (B, …, C_i) -> (B, …, C), with C
// the sum of the C_i. In training all parts need moments. See kernels/batch_norm_parts.h.
Tensor batch_norm_parts(const std::vector<NormPart>& parts, const BatchNormState& state,
                        const BatchNormOptions& options);

}  // namespace tessera::ops
