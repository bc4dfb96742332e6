// What every kernel needs of vectors, once per target. Include inside a kernel source after hwy/highway.h.
#if defined(TESSERA_KERNELS_CPU_SIMD_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef TESSERA_KERNELS_CPU_SIMD_INL_H_
#undef TESSERA_KERNELS_CPU_SIMD_INL_H_
#else
#define TESSERA_KERNELS_CPU_SIMD_INL_H_
#endif

#include <cstdint>
#include <limits>

#include "tessera/core/dtype.h"

HWY_BEFORE_NAMESPACE();
namespace tessera::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using F = hn::ScalableTag<float>;
using Vec = hn::Vec<F>;

inline int64_t LaneCount() { return static_cast<int64_t>(hn::Lanes(F())); }

// The first n lanes from p, zeros above; reads nothing past p + n. The baseline has no masked loads that promise this.
HWY_INLINE Vec LoadN(const float* p, int64_t n) {
  const F f;
#if HWY_TARGET == HWY_SSSE3
  HWY_ALIGN float lanes[hn::MaxLanes(f)] = {};
  for (int64_t i = 0; i < n; ++i) lanes[i] = p[i];
  return hn::Load(f, lanes);
#else
  return hn::MaskedLoad(hn::FirstN(f, static_cast<size_t>(n)), f, p);
#endif
}

// Writes the first n lanes to p and nothing past p + n.
HWY_INLINE void StoreN(Vec v, float* p, int64_t n) {
  const F f;
#if HWY_TARGET == HWY_SSSE3
  HWY_ALIGN float lanes[hn::MaxLanes(f)];
  hn::Store(v, f, lanes);
  for (int64_t i = 0; i < n; ++i) p[i] = lanes[i];
#else
  hn::BlendedStore(v, hn::FirstN(f, static_cast<size_t>(n)), f, p);
#endif
}

// bf16 is the upper half of an f32.
HWY_INLINE Vec FromHalves(const bf16* p) {
  const F f;
  const hn::RebindToUnsigned<F> words;
  const hn::Rebind<uint16_t, F> halves;
  const auto bits = hn::PromoteTo(words, hn::LoadU(halves, reinterpret_cast<const uint16_t*>(p)));
  return hn::BitCast(f, hn::ShiftLeft<16>(bits));
}

// Rounded to the nearest, to the even one in the middle; NaN stays NaN.
HWY_INLINE void ToHalves(Vec v, bf16* p) {
  const hn::RebindToUnsigned<F> words;
  const hn::RebindToSigned<F> numbers;
  const hn::Rebind<uint16_t, F> halves;
  const auto bits = hn::BitCast(words, v);
  const auto odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(words, 1));
  const auto rounded = hn::Add(bits, hn::Add(odd, hn::Set(words, 0x7FFF)));
  const auto nan = hn::RebindMask(words, hn::IsNaN(v));
  const auto upper = hn::ShiftRight<16>(hn::IfThenElse(nan, hn::Or(bits, hn::Set(words, 0x400000)), rounded));
  hn::StoreU(hn::DemoteTo(halves, hn::BitCast(numbers, upper)), halves, reinterpret_cast<uint16_t*>(p));
}

// What loops hand to their bodies: loads operand p at the place where the loop is, a whole vector …
struct WholeLoad {
  int64_t i;
  HWY_INLINE Vec operator()(const float* p) const { return hn::LoadU(F(), p + i); }
  HWY_INLINE Vec operator()(const bf16* p) const { return FromHalves(p + i); }
};
// … or the n lanes at the end, zeros above.
struct PartLoad {
  int64_t i, n;
  HWY_INLINE Vec operator()(const float* p) const { return LoadN(p + i, n); }
  HWY_INLINE Vec operator()(const bf16* p) const {
    bf16 lanes[hn::MaxLanes(F())] = {};
    for (int64_t t = 0; t < n; ++t) lanes[t] = p[i + t];
    return FromHalves(lanes);
  }
};

HWY_INLINE void StoreAt(Vec v, float* p) { hn::StoreU(v, F(), p); }
HWY_INLINE void StoreAt(Vec v, bf16* p) { ToHalves(v, p); }
HWY_INLINE void StoreAt(Vec v, float* p, int64_t n) { StoreN(v, p, n); }
HWY_INLINE void StoreAt(Vec v, bf16* p, int64_t n) {
  bf16 lanes[hn::MaxLanes(F())];
  ToHalves(v, lanes);
  for (int64_t t = 0; t < n; ++t) p[t] = lanes[t];
}

// Σ term over [0, n). term(load) reads its operands through `load`, which yields a full vector or, at the end, a part
// of one.
template <class Term>
HWY_INLINE float SumOver(int64_t n, Term term) {
  const F f;
  const int64_t lanes = LaneCount();
  Vec sum = hn::Zero(f);
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) sum = hn::Add(sum, term(WholeLoad{i}));
  if (i < n) {
    const Vec tail = term(PartLoad{i, n - i});
    sum = hn::Add(sum, hn::IfThenElseZero(hn::FirstN(f, static_cast<size_t>(n - i)), tail));
  }
  return hn::GetLane(hn::SumOfLanes(f, sum));
}

// The largest of x over [0, n). Where a NaN is among them, it may be overlooked.
HWY_INLINE float MaxOver(int64_t n, const float* x) {
  const F f;
  const int64_t lanes = LaneCount();
  Vec most = hn::Set(f, -std::numeric_limits<float>::infinity());
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) most = hn::Max(most, hn::LoadU(f, x + i));
  if (i < n) {
    const auto inside = hn::FirstN(f, static_cast<size_t>(n - i));
    most = hn::IfThenElse(inside, hn::Max(most, LoadN(x + i, n - i)), most);
  }
  return hn::GetLane(hn::MaxOfLanes(f, most));
}

// out = value over [0, n), added to what is there where `accumulate`. value(load) as in SumOver. T: float or bf16.
template <class T, class Value>
HWY_INLINE void StoreOver(int64_t n, T* out, bool accumulate, Value value) {
  const int64_t lanes = LaneCount();
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    const WholeLoad load{i};
    const Vec v = value(load);
    StoreAt(accumulate ? hn::Add(v, load(out)) : v, out + i);
  }
  if (i < n) {
    const PartLoad load{i, n - i};
    const Vec v = value(load);
    StoreAt(accumulate ? hn::Add(v, load(out)) : v, out + i, n - i);
  }
}

}  // namespace tessera::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
