// How far a student's answers are from its teacher's.
//   soft  Hinton et al., "Distilling the Knowledge in a Neural Network" (2015): T² · KL(teacher || student), both at
//         temperature T
//   hard  Touvron et al., "Training data-efficient image transformers & distillation through attention" (2021), eq. 3:
//         cross-entropy against the class that the teacher thinks best
// The whole loss is (1 - α) · that of the labels + α · this.
#pragma once

#include <string>

#include "tessera/core/tensor.h"

namespace tessera::train {

struct DistillationOptions {
  std::string kind = "soft";  // "soft", "hard"
  double alpha = 0.5;
  double temperature = 3;
  // soft: the mean over pictures and classes, as DeiT's code has it, not over pictures alone
  bool over_classes = false;
};

// Of a part of a batch of `pictures`, so that the losses of its parts sum to it. logits (B, K), teacher (B, K) -> (1)
Tensor distillation_loss(const DistillationOptions& options, const Tensor& logits, const Tensor& teacher,
                         int64_t pictures);

}  // namespace tessera::train
