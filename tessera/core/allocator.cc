#include "tessera/core/allocator.h"

#include <malloc.h>
#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <map>
#include <mutex>
#include <vector>

#include "tessera/core/error.h"

namespace tessera {

namespace {

constexpr size_t kAlignment = 64;
constexpr size_t kHugePage = size_t{1} << 21;

// Large buffers lie in huge pages where the system has them: touching the first time costs a system call for 2 MiB, not
// for 4 KiB, and rows that lie far apart miss fewer translations of addresses. Only pages that are used to their end:
// the rest of a bucket takes no memory.
std::byte* allocate_fresh(size_t bucket, size_t used) {
  if (bucket < 2 * kHugePage) return static_cast<std::byte*>(std::aligned_alloc(kAlignment, bucket));
  void* buffer = nullptr;  // posix_memalign: aligned_alloc wants a multiple of the alignment
  if (posix_memalign(&buffer, kHugePage, bucket) != 0) return nullptr;
  madvise(buffer, used / kHugePage * kHugePage, MADV_HUGEPAGE);  // advice: small pages do too
  return static_cast<std::byte*>(buffer);
}

// Four sizes per power of two: at most a fifth is wasted, and a request finds a buffer that an equal one left.
size_t bucket_of(size_t bytes) {
  bytes = std::max(bytes, kAlignment);
  const size_t step = std::max(std::bit_floor(bytes) / 4, kAlignment);
  return (bytes + step - 1) / step * step;
}

class Cache {
 public:
  std::byte* take(size_t bucket, size_t bytes) {
    {
      const std::lock_guard lock(mutex_);
      statistics_.in_use += bucket;
      statistics_.peak_in_use = std::max(statistics_.peak_in_use, statistics_.in_use);
      auto& free = free_[bucket];
      if (!free.empty()) {
        std::byte* buffer = free.back();
        free.pop_back();
        statistics_.cached -= bucket;
        return buffer;
      }
      ++statistics_.fresh;
    }
    auto* buffer = allocate_fresh(bucket, bytes);
    if (!buffer) {
      release();
      buffer = allocate_fresh(bucket, bytes);
    }
    if (!buffer) {
      const std::lock_guard lock(mutex_);
      statistics_.in_use -= bucket;
      fail("out of memory: {} more bytes are needed; use a smaller batch or picture", bucket);
    }
    return buffer;
  }

  void give(std::byte* buffer, size_t bucket) {
    const std::lock_guard lock(mutex_);
    statistics_.in_use -= bucket;
    statistics_.cached += bucket;
    free_[bucket].push_back(buffer);
  }

  void release() {
    const std::lock_guard lock(mutex_);
    for (auto& [bucket, free] : free_) {
      for (std::byte* buffer : free) std::free(buffer);
      statistics_.cached -= bucket * free.size();
      free.clear();
    }
  }

  AllocatorStatistics statistics() {
    const std::lock_guard lock(mutex_);
    return statistics_;
  }

  void reset_peak() {
    const std::lock_guard lock(mutex_);
    statistics_.peak_in_use = statistics_.in_use;
  }

 private:
  std::mutex mutex_;
  std::map<size_t, std::vector<std::byte*>> free_;
  AllocatorStatistics statistics_;
};

// Never destroyed: tensors in static storage may outlive any order of destruction.
Cache& cache() {
  static Cache* const instance = new Cache;
  return *instance;
}

}  // namespace

std::shared_ptr<std::byte> allocate(size_t bytes, Device) {
  const size_t bucket = bucket_of(bytes);
  return {cache().take(bucket, bytes), [bucket](std::byte* buffer) { cache().give(buffer, bucket); }};
}

AllocatorStatistics allocator_statistics() { return cache().statistics(); }
void reset_peak_memory() { cache().reset_peak(); }
void release_cached_memory() { cache().release(); }

void keep_freed_memory() {
  mallopt(M_MMAP_THRESHOLD, 32 << 20);
  mallopt(M_TRIM_THRESHOLD, 64 << 20);
}

}  // namespace tessera
