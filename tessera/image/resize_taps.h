// Which input pixels make an output pixel, and with what weights: one axis of a resize. See resize.h for the formula.
#pragma once

#include <cstdint>
#include <vector>

#include "tessera/image/resize.h"

namespace tessera::image {

// Weights are integers of 22 fractional bits.
inline constexpr int kWeightBits = 22;

struct Taps {
  std::vector<int32_t> first;    // (N) the first input of each output
  std::vector<int32_t> count;    // (N) how many inputs it has, at most `stride`
  std::vector<int32_t> weights;  // (N, stride), 0 beyond count
  int64_t stride = 0;

  int64_t size() const { return static_cast<int64_t>(first.size()); }
  const int32_t* weights_of(int64_t i) const { return weights.data() + i * stride; }
  // The inputs that any output reads: [begin, end).
  int64_t begin() const { return first.front(); }
  int64_t end() const { return first.back() + count.back(); }
  // For an input of which only what follows `begin` is kept.
  void shift(int64_t begin) {
    for (int32_t& f : first) f -= static_cast<int32_t>(begin);
  }
};

// One axis of n inputs, of which [lo, hi] become N outputs.
struct Axis {
  int64_t n;
  float lo, hi;
  int64_t N;

  bool is_identity() const { return n == N && lo == 0 && hi == static_cast<float>(n); }
  double scale() const { return static_cast<double>(hi - lo) / static_cast<double>(N); }
};

// The taps of outputs [begin, end). The filter is not nearest.
Taps taps(const Axis& axis, Filter filter, int64_t begin, int64_t end);

// The one input of each of the outputs [begin, end) for the filter nearest.
std::vector<int32_t> nearest_inputs(const Axis& axis, int64_t begin, int64_t end);

}  // namespace tessera::image
