// Memory for tensors: freed buffers are kept and handed out again, because touching a fresh 64 MiB costs 38 ms and a
// used one 2.
#pragma once

#include <cstddef>
#include <memory>

namespace tessera {

enum class Device : unsigned char { cpu };

// A buffer of `bytes` uninitialised bytes, aligned to 64, that returns to the cache when its last owner lets go.
// Thread-safe.
std::shared_ptr<std::byte> allocate(size_t bytes, Device device = Device::cpu);

struct AllocatorStatistics {
  size_t in_use = 0;       // bytes handed out
  size_t cached = 0;       // bytes kept for reuse
  size_t peak_in_use = 0;  // since the start or the last reset_peak()
  size_t fresh = 0;        // number of requests that had to ask the system
};
AllocatorStatistics allocator_statistics();
void reset_peak_memory();
// Gives the cached buffers back to the system.
void release_cached_memory();

// For programs that decode pictures: malloc keeps up to 64 MiB of what is freed, as it comes to by itself after one
// buffer of 32 MiB; else every progressive JPEG touches fresh memory, a third of its time. Concerns the whole process.
void keep_freed_memory();

}  // namespace tessera
