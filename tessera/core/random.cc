#include "tessera/core/random.h"

#include <cmath>
#include <numbers>

namespace tessera {

namespace {

// The finaliser of SplitMix64: every input bit reaches every output bit.
uint64_t mix(uint64_t z) {
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
  return z ^ (z >> 31);
}

}  // namespace

uint64_t random_key(uint64_t seed, std::string_view purpose) {
  uint64_t key = mix(seed + 0x9E3779B97F4A7C15);
  for (unsigned char c : purpose) key = mix(key ^ c) + 0x9E3779B97F4A7C15;
  return key;
}

uint64_t step_key(uint64_t key, uint64_t step) { return mix(key ^ (step >> 32)); }

uint32_t Random::word() {
  if (next_ == 4) {
    words_ = random_words(key_, step_, sample_, block_++);
    next_ = 0;
  }
  return words_[static_cast<size_t>(next_++)];
}

double Random::uniform() {
  const uint64_t high = word();
  return static_cast<double>((high << 32 | word()) >> 11) * 0x1p-53;
}

double Random::uniform(double low, double high) { return low + (high - low) * uniform(); }

uint64_t Random::below(uint64_t n) {
  const uint64_t limit = UINT64_MAX - UINT64_MAX % n;
  for (;;) {
    const uint64_t high = word();
    const uint64_t value = high << 32 | word();
    if (value < limit) return value % n;
  }
}

double Random::normal() {
  const double radius = std::sqrt(-2 * std::log(1 - uniform()));
  return radius * std::cos(2 * std::numbers::pi * uniform());
}

}  // namespace tessera
