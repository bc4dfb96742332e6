// Two sums of each channel over the pixels of a batch, which several threads share: each piece of a parallel loop adds
// into places of its own, and these are added in the order of the pieces.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "tessera/kernels/cpu/loops.h"

namespace tessera::kernels {

inline int64_t grain_of_pixels(int64_t C) { return std::max<int64_t>(kMemoryGrain / C, 8); }

struct ChannelSums {
  std::vector<double> a, b;  // (C) of each piece; those of all pixels come first

  // P pixels of C channels. sum_pixels(begin, end, a, b) adds those of some pixels, on any thread.
  template <class SumPixels>
  ChannelSums(int64_t P, int64_t C, SumPixels sum_pixels) {
    const int64_t grain = grain_of_pixels(C);
    const int pieces = parallel_pieces(P, grain);
    a.resize(static_cast<size_t>(pieces * C)), b.resize(a.size());
    parallel_for_pieces(P, grain, [&](int piece, int64_t begin, int64_t end) {
      sum_pixels(begin, end, a.data() + piece * C, b.data() + piece * C);
    });
    for (std::vector<double>* sums : {&a, &b})
      for (int64_t i = C; i < pieces * C; ++i) (*sums)[static_cast<size_t>(i % C)] += (*sums)[static_cast<size_t>(i)];
  }
};

}  // namespace tessera::kernels
