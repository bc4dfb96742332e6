// Whether the weights change any more: if not, operations may keep them rearranged.
#pragma once

#include <functional>

#include "tessera/core/tensor.h"
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

// What make() gives, f32, of the weight w and of others that belong to it: kept where these do not change any more, and
// then a weight itself. layout: negative, one for each kind of thing that is made of such a w. shape: of the result.
// make must not ask for anything derived.
Tensor derived(const Tensor& w, int64_t layout, const Shape& shape, const std::function<Tensor()>& make);

}  // namespace tessera::ops
