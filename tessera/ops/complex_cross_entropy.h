#pragma once

#include "tessera/core/tensor.h"

namespace tessera::ops {

struct ComplexCrossEntropyOptions {
  double phase_weight = 1;  // λ, at least 0
  double divisor = 0;       // as in CrossEntropyOptions
};

// The loss of fully complex-valued networks (Yadav and Jerripothula, ICCV 2023, as their code has it): the right class
// should be the largest, and its phase should go towards π:
//
//   loss = (Σ_b CE(|z_b|, t_b) - λ/K·Σ_b Σ_k t_bk·arg z_bk) / (2·divisor)
//
// with CE the softmax cross-entropy. Unlike it, the loss has no lower bound of 0 but of -λ·π / (2·K), and it jumps
// where a phase passes π. z (B, 2·K) in planar halves, targets (B, K), rows of which sum to 1 -> (1). No gradient goes
// to the targets.
Tensor complex_cross_entropy(const Tensor& z, const Tensor& targets, const ComplexCrossEntropyOptions& options = {});

}  // namespace tessera::ops
