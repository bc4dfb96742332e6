// Loops that memory bounds: plain code, since the baseline's vectors keep up with it already.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "tessera/core/parallel.h"
#include "tessera/kernels/context.h"

namespace tessera::kernels {

constexpr int64_t kMemoryGrain = 32768;  // elements per piece at least, where each is read and written once

// out[i] = value(i) over [0, n), or added to what is there.
template <class Value>
inline void store_over(int64_t n, float* out, bool accumulate, Value value) {
  if (accumulate) {
    for (int64_t i = 0; i < n; ++i) out[i] += value(i);
  } else {
    for (int64_t i = 0; i < n; ++i) out[i] = value(i);
  }
}

// Calls body(sample, begin, end) in parallel on runs that cover the [0, n) of every sample.
template <class Body>
inline void parallel_runs(int64_t samples, int64_t n, int64_t grain, const Body& body) {
  parallel_for(samples * n, grain, [&](int64_t begin, int64_t end) {
    while (begin < end) {
      const int64_t sample = begin / n, first = begin - sample * n, count = std::min(n - first, end - begin);
      body(sample, first, first + count);
      begin += count;
    }
  });
}

// A sum over rows that several threads share (the gradient of a bias): each piece of a parallel loop adds into a row of
// its own, and gather() adds these in the order of the pieces, so that the bits do not depend on timing.
class PartialSums {
 public:
  // out (n)
  PartialSums(const Grad& out, int64_t n, int pieces) : out_(out), n_(n), stride_((n + 31) / 32 * 32), pieces_(pieces) {
    if (out) rows_.resize(static_cast<size_t>(stride_ * pieces));
  }
  // (n), zeros at first; null where nobody wants the sum.
  float* of(int piece) { return out_ ? rows_.data() + piece * stride_ : nullptr; }
  void gather() {
    for (int piece = 0; out_ && piece < pieces_; ++piece) {
      const float* row = of(piece);
      store_over(n_, out_.data, out_.accumulate || piece > 0, [&](int64_t i) { return row[i]; });
    }
  }

 private:
  Grad out_;
  int64_t n_, stride_;
  int pieces_;
  std::vector<float> rows_;
};

}  // namespace tessera::kernels
