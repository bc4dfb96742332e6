// Adam's step, for every rule that takes it: Adam and AdamW themselves, and those that leave it some of the parameters.
#pragma once

#include <cmath>

#include "tessera/kernels/optimizer.h"
#include "tessera/train/optimizer.h"

namespace tessera::train {

// All but the pointers and n. decoupled: as AdamW decays. steps: this one included.
inline kernels::AdamStep adam_arguments(const OptimizerOptions& options, bool decoupled, const Group& group, double lr,
                                        double gradient_scale, int64_t steps) {
  const auto t = static_cast<double>(steps);
  return {.parameter = nullptr,
          .gradient = nullptr,
          .first = nullptr,
          .second = nullptr,
          .largest_second = nullptr,
          .n = 0,
          .gradient_scale = static_cast<float>(gradient_scale),
          .l2 = decoupled ? 0.0f : static_cast<float>(group.weight_decay),
          .shrink = decoupled ? static_cast<float>(1 - lr * group.weight_decay) : 1.0f,
          .fresh1 = static_cast<float>(1 - options.beta1),
          .beta2 = static_cast<float>(options.beta2),
          .fresh2 = static_cast<float>(1 - options.beta2),
          .eps = static_cast<float>(options.eps),
          .rate = static_cast<float>(lr / (1 - std::pow(options.beta1, t))),
          .rsqrt_correction = static_cast<float>(1 / std::sqrt(1 - std::pow(options.beta2, t)))};
}

}  // namespace tessera::train
