// Whether the weights change any more: if not, operations may keep them rearranged.
#pragma once

#include "tessera/kernels/frozen.h"

namespace tessera::ops {

// While one lives, operations on this thread use, and make, the copies that `weights` keeps.
class Frozen {
 public:
  explicit Frozen(kernels::FrozenWeights& weights);
  ~Frozen();
  Frozen(const Frozen&) = delete;
  Frozen& operator=(const Frozen&) = delete;

 private:
  kernels::FrozenWeights* before_;
};

// Null where weights may change.
kernels::FrozenWeights* frozen_weights();

}  // namespace tessera::ops
