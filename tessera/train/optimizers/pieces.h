// Parameters in pieces that do not depend on the number of threads, so that sums over a parameter do not either.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "tessera/train/groups.h"

namespace tessera::train {

// Elements [begin, end) of the flat buffers, all of groups[group].
struct Piece {
  size_t group = 0;
  int64_t begin = 0, end = 0;
};

inline std::vector<Piece> pieces_of(const std::vector<Group>& groups) {
  constexpr int64_t kLongest = 16384;
  std::vector<Piece> pieces;
  for (size_t i = 0; i < groups.size(); ++i) {
    for (int64_t begin = groups[i].begin; begin < groups[i].end; begin += kLongest)
      pieces.push_back({i, begin, std::min(begin + kLongest, groups[i].end)});
  }
  return pieces;
}

}  // namespace tessera::train
