// What kernels did and how long they took: the substance of `tessera bench roofline`.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "tessera/core/dtype.h"
#include "tessera/kernels/context.h"

namespace tessera::kernels {

struct Work {
  std::string what;             // "layer norm (1576, 768)"
  double operations = 0;        // of products: two for a multiply-add; 0 where memory is the limit
  double bytes = 0;             // read and written, each once
  int64_t M = 0, N = 0, K = 0;  // of a product (M, K)·(K, N)
  DType dtype = DType::f32;     // of a product's left operand: f32, bf16 or s8
};

// One row for each different work, in the order of first use. For one thread.
class Profile {
 public:
  struct Row {
    Work work;  // of one call
    int64_t calls = 0;
    double seconds = 0;  // of all of them
  };
  void add(Work work, double seconds) {
    for (Row& row : rows_) {
      if (row.work.what != work.what) continue;
      ++row.calls;
      row.seconds += seconds;
      return;
    }
    rows_.push_back({std::move(work), 1, seconds});
  }
  const std::vector<Row>& rows() const { return rows_; }

 private:
  std::vector<Row> rows_;
};

// Times a kernel from here to the end of the scope, where the context has a profile; costs nothing elsewhere.
class Measured {
 public:
  // describe() -> Work
  template <class Describe>
  Measured(Context& context, const Describe& describe) : profile_(context.profile) {
    if (!profile_) return;
    work_ = describe();
    start_ = Clock::now();
  }
  ~Measured() {
    if (profile_) profile_->add(std::move(work_), std::chrono::duration<double>(Clock::now() - start_).count());
  }
  Measured(const Measured&) = delete;
  Measured& operator=(const Measured&) = delete;

 private:
  using Clock = std::chrono::steady_clock;
  Profile* profile_;
  Work work_;
  Clock::time_point start_;
};

// A kernel that goes once over so many arrays of n floats.
inline Work memory_work(const char* name, int64_t n, double arrays) {
  return {std::string(name) + " (" + std::to_string(n) + ")", 0, arrays * 4.0 * static_cast<double>(n)};
}

}  // namespace tessera::kernels
