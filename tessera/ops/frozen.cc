#include "tessera/ops/frozen.h"

#include <utility>

namespace tessera::ops {

namespace {
thread_local kernels::FrozenWeights* current = nullptr;
}

Frozen::Frozen(kernels::FrozenWeights& weights) : before_(std::exchange(current, &weights)) {}
Frozen::~Frozen() { current = before_; }

kernels::FrozenWeights* frozen_weights() { return current; }

}  // namespace tessera::ops
