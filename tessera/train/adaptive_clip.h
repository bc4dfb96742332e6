// Adaptive gradient clipping (Brock et al., "High-Performance Large-Scale Image Recognition Without Normalization",
// 2021), as timm does it: the gradient of an output is bounded by the weights of that output.
#pragma once

#include "tessera/train/flat_parameters.h"

namespace tessera::train {

// In place, for each row (dimension 0) of a parameter, or all of it where it has one dimension: where
// ‖g‖ >= factor·max(‖p‖, eps), g ← g·factor·max(‖p‖, eps) / max(‖g‖, 1e-6). gradients: flat, as the parameters.
void clip_adaptively(const FlatParameters& parameters, const Tensor& gradients, double factor, double eps = 1e-3);

}  // namespace tessera::train
