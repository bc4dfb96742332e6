#include "tessera/kernels/frozen.h"

#include "tessera/core/file.h"

namespace tessera::kernels {

void FrozenWeights::add(std::span<const std::byte> elements, bool mapped) {
  weights_[elements.data()] = {elements.data() + elements.size(), mapped};
}

std::shared_ptr<std::byte>* FrozenWeights::find(std::span<const std::byte> elements, int64_t layout, bool& mapped) {
  const auto after = weights_.upper_bound(elements.data());
  if (after == weights_.begin()) return nullptr;
  const Weight& weight = std::prev(after)->second;
  if (elements.data() + elements.size() > weight.end) return nullptr;
  mapped = weight.mapped;
  return &copies_[{elements.data(), layout}];
}

const std::byte* FrozenWeights::copy(std::span<const std::byte> elements, int64_t layout,
                                     const std::function<std::shared_ptr<std::byte>()>& make) {
  const std::lock_guard lock(mutex_);
  bool mapped = false;
  std::shared_ptr<std::byte>* copy = find(elements, layout, mapped);
  if (!copy) return nullptr;
  if (!*copy) {
    *copy = make();
    if (mapped) forget_mapped(elements);
  }
  return copy->get();
}

const std::byte* FrozenWeights::derived(std::span<const std::byte> elements, int64_t layout, size_t bytes,
                                        const std::function<std::shared_ptr<std::byte>()>& make) {
  const std::byte* copy = this->copy(elements, layout, make);
  if (!copy) return nullptr;
  const std::lock_guard lock(mutex_);
  weights_[copy] = {copy + bytes, false};
  return copy;
}

}  // namespace tessera::kernels
