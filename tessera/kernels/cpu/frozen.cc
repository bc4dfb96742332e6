#include "tessera/kernels/frozen.h"

#include "tessera/core/file.h"

namespace tessera::kernels {

void FrozenWeights::add(std::span<const std::byte> elements, bool mapped) {
  weights_[elements.data()] = {elements.data() + elements.size(), mapped};
}

const std::byte* FrozenWeights::copy(std::span<const std::byte> elements, int64_t layout,
                                     const std::function<std::shared_ptr<std::byte>()>& make) {
  const auto after = weights_.upper_bound(elements.data());
  if (after == weights_.begin()) return nullptr;
  const Weight& weight = std::prev(after)->second;
  if (elements.data() + elements.size() > weight.end) return nullptr;

  const std::lock_guard lock(mutex_);
  std::shared_ptr<std::byte>& copy = copies_[{elements.data(), layout}];
  if (!copy) {
    copy = make();
    if (weight.mapped) forget_mapped(elements);
  }
  return copy.get();
}

}  // namespace tessera::kernels
