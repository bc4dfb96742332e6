// Lion (Chen et al., "Symbolic Discovery of Optimization Algorithms", 2023) on n parameters that share their rates.
//   c = β₁m + (1 − β₁)g,   p ← p·shrink − rate·sign(c)·keep,   m ← m + (1 − β₂)(g − m),   g = gradient·gradient_scale
// keep is 1, or with caution (Liang et al., "Cautious Optimizers", 2024) 0 where c and g differ in sign. sign(0) = 0.
// Both run on the calling thread: who owns the buffer splits it.
#pragma once

#include <cstdint>

#include "tessera/kernels/context.h"

namespace tessera::kernels {

struct LionStep {
  float* parameter;       // (n)
  const float* gradient;  // (n)
  float* momentum;        // (n) m
  int64_t n;
  float gradient_scale = 1;  // of clipping
  float shrink = 1;          // 1 − lr·wd
  float fresh1, fresh2;      // 1 − β₁, 1 − β₂
  float rate;                // lr; with caution divided by the share of entries that are kept
  bool caution = false;
};
void lion_step(Context& context, const LionStep& args);

// In how many entries c and g agree in sign.
int64_t lion_agreements(Context& context, const LionStep& args);

}  // namespace tessera::kernels
