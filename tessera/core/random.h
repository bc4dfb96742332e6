// Counter-based randomness: every number is a pure function of what it is for, so nothing depends on the number of
// threads, on the order of work, or on whether a run was interrupted.
//
// Philox 4x32-10: Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3" (SC 2011).
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace tessera {

// Four random words for a counter (128 bits) under a key (64 bits).
inline std::array<uint32_t, 4> philox(std::array<uint32_t, 4> counter, uint64_t key) {
  uint32_t k0 = static_cast<uint32_t>(key), k1 = static_cast<uint32_t>(key >> 32);
  for (int round = 0; round < 10; ++round) {
    const uint64_t a = uint64_t{0xD2511F53} * counter[0];
    const uint64_t b = uint64_t{0xCD9E8D57} * counter[2];
    counter = {static_cast<uint32_t>(b >> 32) ^ counter[1] ^ k0, static_cast<uint32_t>(b),
               static_cast<uint32_t>(a >> 32) ^ counter[3] ^ k1, static_cast<uint32_t>(a)};
    k0 += 0x9E3779B9;
    k1 += 0xBB67AE85;
  }
  return counter;
}

// The key of everything drawn for one purpose ("augment/crop", "blocks.3.mlp.drop") under a seed.
uint64_t random_key(uint64_t seed, std::string_view purpose);

// The key of Philox at a step. Its counter is (block, step, sample low, sample high), each the lower 32 bits.
uint64_t step_key(uint64_t key, uint64_t step);

// Words 4·block … 4·block + 3 of what belongs to (key, step, sample): the k-th word is random_words(…, k / 4)[k % 4].
// Places that draw for many elements at once (dropout) take word k for element k. block < 2^32.
inline std::array<uint32_t, 4> random_words(uint64_t key, uint64_t step, uint64_t sample, uint64_t block) {
  return philox({static_cast<uint32_t>(block), static_cast<uint32_t>(step), static_cast<uint32_t>(sample),
                 static_cast<uint32_t>(sample >> 32)},
                step_key(key, step));
}

// A uniform float in [0, 1) from the upper 24 bits of a word.
inline float uniform_from(uint32_t word) { return static_cast<float>(word >> 8) * 0x1p-24f; }

// The words of random_words() as a sequence of numbers that belongs to (seed, purpose, step, sample). Not thread-safe;
// make one where it is used.
class Random {
 public:
  Random(uint64_t seed, std::string_view purpose, uint64_t step = 0, uint64_t sample = 0)
      : Random(random_key(seed, purpose), step, sample) {}
  Random(uint64_t key, uint64_t step, uint64_t sample) : key_(key), step_(step), sample_(sample) {}

  uint32_t word();                               // 32 uniform bits
  double uniform();                              // [0, 1), 53 bits
  double uniform(double low, double high);       // [low, high)
  uint64_t below(uint64_t n);                    // {0, …, n-1}, unbiased; n > 0
  double normal();                               // mean 0, variance 1 (Box-Muller)
  bool coin(double p) { return uniform() < p; }  // true with probability p

 private:
  uint64_t key_, step_, sample_;
  uint64_t block_ = 0;
  std::array<uint32_t, 4> words_{};
  int next_ = 4;
};

}  // namespace tessera
