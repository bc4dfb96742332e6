// Rows of floats as whole multiples of a scale, once per target.
#if defined(TESSERA_KERNELS_CPU_QUANTIZE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef TESSERA_KERNELS_CPU_QUANTIZE_INL_H_
#undef TESSERA_KERNELS_CPU_QUANTIZE_INL_H_
#else
#define TESSERA_KERNELS_CPU_QUANTIZE_INL_H_
#endif

#include <cstdint>
#include <limits>

#include "tessera/kernels/cpu/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace tessera::kernels::HWY_NAMESPACE {

constexpr float kMost = 127;

// max |x|; NaN or infinity where one of x is: without their signs, floats are in the order of their bits, and these
// last.
HWY_INLINE float LargestMagnitude(const float* x, int64_t n) {
  const F f;
  const hn::RebindToSigned<F> i32;
  const int64_t lanes = LaneCount();
  auto most = hn::Zero(i32);
  const auto take = [&](Vec v) { most = hn::Max(most, hn::BitCast(i32, hn::Abs(v))); };
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) take(hn::LoadU(f, x + i));
  if (i < n) take(LoadN(x + i, n - i));
  const float largest = hn::GetLane(hn::BitCast(f, hn::MaxOfLanes(i32, most)));
  return largest < std::numeric_limits<float>::infinity() ? largest : std::numeric_limits<float>::quiet_NaN();
}

// v·factor, |v·factor| < 2^22, rounded to the nearest whole number, the even one in the middle: the lowest bytes of the
// lanes. Beside 1.5·2^23, the last bit of a float counts one.
HWY_INLINE auto RoundedBytes(Vec v, Vec factor) {
  const F f;
  const hn::RebindToUnsigned<F> words;
  const hn::Rebind<uint8_t, F> bytes;
  return hn::TruncateTo(bytes, hn::BitCast(words, hn::MulAdd(v, factor, hn::Set(f, 12582912.0f))));
}

// Writes q (n) and returns the scale: see kernels/quantize.h.
HWY_INLINE float QuantizeRow(const float* x, int64_t n, int8_t* q) {
  const F f;
  const hn::Rebind<uint8_t, F> bytes;
  const int64_t lanes = LaneCount();
  const float most = LargestMagnitude(x, n);
  const Vec factor = hn::Set(f, most > 0 ? kMost / most : 0.0f);
  auto* out = reinterpret_cast<uint8_t*>(q);
  int64_t c = 0;
  for (; c + lanes <= n; c += lanes) hn::StoreU(RoundedBytes(hn::LoadU(f, x + c), factor), bytes, out + c);
  if (c < n) {
    HWY_ALIGN uint8_t last[hn::MaxLanes(f)];
    hn::Store(RoundedBytes(LoadN(x + c, n - c), factor), bytes, last);
    for (int64_t t = 0; c + t < n; ++t) out[c + t] = last[t];
  }
  return most / kMost;
}

}  // namespace tessera::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
