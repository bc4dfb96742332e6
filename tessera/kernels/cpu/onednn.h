// What every use of oneDNN shares: one engine, primitives that are made once per shape, and three promises. A slow
// reference implementation is never chosen silently, nothing runs inside a parallel loop (it would get one thread), and
// one primitive may run on several threads at once.
//
// The only place that includes dnnl.hpp; for sources in kernels/cpu.
#pragma once

#include <cstdint>
#include <dnnl.hpp>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "tessera/kernels/frozen.h"

namespace tessera::kernels::onednn {

const dnnl::engine& engine();

// The elements of an operand.
dnnl::memory operand(const dnnl::memory::desc& layout, const void* elements);

// Attributes that every primitive starts from: it leaves its scratch memory to execute().
dnnl::primitive_attr attributes();

// Throws if oneDNN would run its reference code, which is a hundred times slower. what: the operation with its shape.
void refuse_reference(const std::string& implementation, const std::string& what);

// Whether this implementation of a convolution, with O channels last, can be trusted with a sum, or with what
// multiplies or adds otherwise. In oneDNN 2.6 the ones for SSE read at addresses that are no multiples of 16 with
// instructions that fault there, and the one on matrix products takes other channels' factors.
bool sum_works(const std::string& implementation, int64_t O);
bool binary_post_ops_work(const std::string& implementation);

// Runs a primitive on the calling thread's stream and waits for it. Throws inside a parallel loop.
void execute(const dnnl::primitive& primitive, const dnnl::memory::desc& scratchpad,
             std::unordered_map<int, dnnl::memory> operands);

// Copies elements from one layout into another.
class Reorder {
 public:
  Reorder() = default;
  Reorder(dnnl::memory::desc from, dnnl::memory::desc to);
  bool needed() const { return from_ != to_; }
  void run(const void* from, void* to) const;
  // The elements in the layout `to`: themselves where the layouts agree, else a copy, which `holder` keeps, or `frozen`
  // where it is given and they are part of its weights.
  const void* apply(const void* elements, std::shared_ptr<std::byte>& holder, FrozenWeights* frozen = nullptr) const;
  // The same of f32 elements whose rows, of the first axis, are multiplied by the scales.
  const void* apply_scaled(const float* elements, std::span<const float> row_scales, std::shared_ptr<std::byte>& holder,
                           FrozenWeights* frozen = nullptr) const;

 private:
  std::shared_ptr<std::byte> copy_of(const void* elements) const;
  // What make() gives, from `frozen` where that keeps it.
  const void* kept(const void* elements, int64_t layout, std::shared_ptr<std::byte>& holder, FrozenWeights* frozen,
                   const std::function<std::shared_ptr<std::byte>()>& make) const;

  dnnl::memory::desc from_, to_, scratchpad_;
  // Twice the number of to_ among all layouts that were asked for in this process; one more for scaled elements.
  int64_t layout_ = 0;
  dnnl::reorder primitive_;
};

// What was prepared for each shape, by a key of everything that it depends on besides the number of threads, which is
// added here. Bounded: it starts anew when full. Thread-safe.
template <class Plan>
class PlanCache {
 public:
  using Key = std::vector<int64_t>;

  // what: the operation with its shape, for the error message where oneDNN cannot do it.
  std::shared_ptr<const Plan> get(Key key, const std::function<std::string()>& what, const std::function<Plan()>& make);

 private:
  static constexpr size_t kMost = 1024;
  std::mutex mutex_;
  std::map<Key, std::shared_ptr<const Plan>> plans_;
};

int64_t thread_count();
[[noreturn]] void fail_unsupported(const std::string& what, const dnnl::error& error);

template <class Plan>
std::shared_ptr<const Plan> PlanCache<Plan>::get(Key key, const std::function<std::string()>& what,
                                                 const std::function<Plan()>& make) {
  key.push_back(thread_count());
  const std::lock_guard lock(mutex_);
  if (const auto found = plans_.find(key); found != plans_.end()) return found->second;
  if (plans_.size() >= kMost) plans_.clear();
  try {
    return plans_[std::move(key)] = std::make_shared<const Plan>(make());
  } catch (const dnnl::error& error) {
    fail_unsupported(what(), error);
  }
}

}  // namespace tessera::kernels::onednn
