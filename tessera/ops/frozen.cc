#include "tessera/ops/frozen.h"

#include <memory>
#include <utility>

#include "tessera/ops/tape.h"

namespace tessera::ops {

namespace {
thread_local kernels::FrozenWeights* current = nullptr;
}

Frozen::Frozen(kernels::FrozenWeights& weights) : before_(std::exchange(current, &weights)) {}
Frozen::~Frozen() { current = before_; }

kernels::FrozenWeights* frozen_weights() { return current; }

Tensor derived(const Tensor& w, int64_t layout, const Shape& shape, const std::function<Tensor()>& make) {
  if (!current || recording({w})) return make();
  const size_t bytes = static_cast<size_t>(shape.numel()) * sizeof(float);
  const std::byte* kept = current->derived({w.raw(), w.bytes()}, layout, bytes, [&] {
    const auto made = std::make_shared<Tensor>(make());
    return std::shared_ptr<std::byte>(made, made->raw());
  });
  if (!kept) return make();
  return Tensor::mapped(shape, DType::f32, std::shared_ptr<const std::byte>(std::shared_ptr<void>(), kept));
}

}  // namespace tessera::ops
