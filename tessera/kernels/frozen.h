// Weights that do not change any more, a model's in use: products keep copies of them, rearranged as they like them
// best, from the first use on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

namespace tessera::kernels {

class FrozenWeights {
 public:
  // A weight, which must stay where it is and as it is while this object lives. mapped: it lies in a mapped file, whose
  // pages are given back to the system once there is a copy.
  void add(std::span<const std::byte> elements, bool mapped);

  // For kernels: the copy of `elements` in a layout (a number that the kernel chose for it); `make` makes it at the
  // first call. Null where `elements` are not part of a weight. Thread-safe.
  const std::byte* copy(std::span<const std::byte> elements, int64_t layout,
                        const std::function<std::shared_ptr<std::byte>()>& make);
  // The same of a copy of `bytes` that is a weight itself (a norm folded into a convolution): copies are kept of it,
  // too.
  const std::byte* derived(std::span<const std::byte> elements, int64_t layout, size_t bytes,
                           const std::function<std::shared_ptr<std::byte>()>& make);

 private:
  struct Weight {
    const std::byte* end;
    bool mapped;
  };
  // Needs the mutex. Null where `elements` are not part of a weight.
  std::shared_ptr<std::byte>* find(std::span<const std::byte> elements, int64_t layout, bool& mapped);

  std::mutex mutex_;
  std::map<const std::byte*, Weight> weights_;  // by where they begin
  std::map<std::pair<const std::byte*, int64_t>, std::shared_ptr<std::byte>> copies_;
};

}  // namespace tessera::kernels
