// Sums over pixels of each channel, in parallel: the pieces of the loop are added in their order, so that the bits
// depend on the number of threads alone.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "tessera/kernels/cpu/loops.h"

namespace tessera::kernels {

// Pixels per piece at least, of C numbers each.
inline int64_t pixel_grain(int64_t C) { return std::max<int64_t>(kMemoryGrain / C, 8); }

template <int N>
class PixelSums {
 public:
  // sum_pixels(begin, end, sums) adds those of some of the P pixels to sums (N, C), on any thread.
  template <class SumPixels>
  PixelSums(int64_t P, int64_t C, SumPixels sum_pixels) : C_(C) {
    const int64_t grain = pixel_grain(C), row = N * C;
    const int pieces = parallel_pieces(P, grain);
    sums_.resize(static_cast<size_t>(pieces * row));
    parallel_for_pieces(
        P, grain, [&](int piece, int64_t begin, int64_t end) { sum_pixels(begin, end, sums_.data() + piece * row); });
    for (int64_t i = row; i < pieces * row; ++i) sums_[static_cast<size_t>(i % row)] += sums_[static_cast<size_t>(i)];
  }
  double operator()(int which, int64_t c) const { return sums_[static_cast<size_t>(which * C_ + c)]; }
  // out[c] = the sums of one kind, or added to what is there.
  void store(int which, const Grad& out) const {
    if (!out) return;
    store_over(C_, out.data, out.accumulate, [&](int64_t c) { return static_cast<float>((*this)(which, c)); });
  }

 private:
  int64_t C_;
  std::vector<double> sums_;
};

}  // namespace tessera::kernels
