// Tries suspects, alone and in pairs, until the numbers agree: tessera parity.
#pragma once

#include <string>
#include <vector>

#include "tessera/infer/parity/compare.h"
#include "tessera/infer/parity/suspects.h"

namespace tessera::parity {

struct Attempt {
  std::vector<size_t> suspects;  // by their index
  Score score;
};

struct Findings {
  std::vector<Attempt> agree;   // the best first
  std::vector<Attempt> nearer;  // where none agrees: those that change something for the better, the best first
  size_t tried = 0;
  bool all_pairs = false;  // tried, not only those that there was time for
};

// Singles first; pairs only where none helps, those of good singles first, for `seconds` at most. What makes an earlier
// tensor agree is kept, and more is sought behind it: with intermediates, any number of causes is found.
Findings search(Comparer& comparer, const Setup& setup, const std::vector<Suspect>& suspects, double seconds);

}  // namespace tessera::parity
