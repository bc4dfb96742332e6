// Philox on vectors, once per target: random_words() of core/random.h, many blocks at a time. Include inside a kernel
// source after hwy/highway.h.
#if defined(TESSERA_KERNELS_CPU_RANDOM_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef TESSERA_KERNELS_CPU_RANDOM_INL_H_
#undef TESSERA_KERNELS_CPU_RANDOM_INL_H_
#else
#define TESSERA_KERNELS_CPU_RANDOM_INL_H_
#endif

#include <cstdint>

#include "tessera/core/random.h"
#include "tessera/kernels/cpu/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace tessera::kernels::HWY_NAMESPACE {

// FillWords writes whole groups of this many words.
constexpr int64_t kWordGroup = 4 * static_cast<int64_t>(hn::MaxLanes(hn::ScalableTag<uint64_t>()));

// words[0, n) = the words of random_words(key, step, sample, first_block), and of the blocks after it. `words` has room
// for n rounded up to kWordGroup.
inline void FillWords(uint64_t key, uint64_t step, uint64_t sample, uint64_t first_block, int64_t n, uint32_t* words) {
  uint64_t keys[2][10];  // of each round, in the lower halves
  const uint64_t mixed = step_key(key, step);
  for (uint32_t round = 0; round < 10; ++round) {
    keys[0][round] = static_cast<uint32_t>(mixed) + round * 0x9E3779B9;
    keys[1][round] = static_cast<uint32_t>(mixed >> 32) + round * 0xBB67AE85;
  }
  // One block of four words per 64-bit lane. Only the lower half of a lane counts: the products need no more.
  const hn::ScalableTag<uint64_t> u64;
  const hn::Repartition<uint32_t, decltype(u64)> u32;
  const auto times = [&](auto x, uint64_t factor) {
    return hn::MulEven(hn::BitCast(u32, x), hn::BitCast(u32, hn::Set(u64, factor)));
  };
  auto block = hn::Iota(u64, first_block);
  for (int64_t word = 0; word < n; word += kWordGroup) {
    auto c0 = block;
    auto c1 = hn::Set(u64, step);
    auto c2 = hn::Set(u64, sample);
    auto c3 = hn::Set(u64, sample >> 32);
    for (int round = 0; round < 10; ++round) {
      const auto a = times(c0, 0xD2511F53), b = times(c2, 0xCD9E8D57);
      c0 = hn::Xor3(hn::ShiftRight<32>(b), c1, hn::Set(u64, keys[0][round]));
      c2 = hn::Xor3(hn::ShiftRight<32>(a), c3, hn::Set(u64, keys[1][round]));
      c1 = b;
      c3 = a;
    }
    const auto low = hn::OddEven(hn::BitCast(u32, hn::ShiftLeft<32>(c1)), hn::BitCast(u32, c0));
    const auto high = hn::OddEven(hn::BitCast(u32, hn::ShiftLeft<32>(c3)), hn::BitCast(u32, c2));
    hn::StoreInterleaved2(hn::BitCast(u64, low), hn::BitCast(u64, high), u64,
                          reinterpret_cast<uint64_t*>(words + word));
    block = hn::Add(block, hn::Set(u64, kWordGroup / 4));
  }
}

// Which lanes dropout with probability p keeps: uniform_from(word) >= p. `words` need not be aligned.
HWY_INLINE hn::Mask<F> KeptBy(const uint32_t* words, float p) {
  const F f;
  const hn::RebindToSigned<F> i32;
  const hn::RebindToUnsigned<F> u32;
  const auto upper = hn::BitCast(i32, hn::ShiftRight<8>(hn::LoadU(u32, words)));
  return hn::Ge(hn::ConvertTo(f, upper), hn::Set(f, p * 0x1p24f));
}

}  // namespace tessera::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
