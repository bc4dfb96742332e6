// What every kernel needs of vectors, once per target. Include inside a kernel source after hwy/highway.h.
#if defined(TESSERA_KERNELS_CPU_SIMD_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef TESSERA_KERNELS_CPU_SIMD_INL_H_
#undef TESSERA_KERNELS_CPU_SIMD_INL_H_
#else
#define TESSERA_KERNELS_CPU_SIMD_INL_H_
#endif

#include <cstdint>
#include <limits>

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

// Σ term over [0, n). term(load) reads its operands through `load`, which yields a full vector or, at the end, a part
// of one.
template <class Term>
HWY_INLINE float SumOver(int64_t n, Term term) {
  const F f;
  const int64_t lanes = LaneCount();
  Vec sum = hn::Zero(f);
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) sum = hn::Add(sum, term([&](const float* p) { return hn::LoadU(f, p + i); }));
  if (i < n) {
    const Vec tail = term([&](const float* p) { return LoadN(p + i, n - i); });
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

// out = value over [0, n), added to what is there where `accumulate`. value(load) as in SumOver.
template <class Value>
HWY_INLINE void StoreOver(int64_t n, float* out, bool accumulate, Value value) {
  const F f;
  const int64_t lanes = LaneCount();
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    const Vec v = value([&](const float* p) { return hn::LoadU(f, p + i); });
    hn::StoreU(accumulate ? hn::Add(v, hn::LoadU(f, out + i)) : v, f, out + i);
  }
  if (i < n) {
    const auto load = [&](const float* p) { return LoadN(p + i, n - i); };
    const Vec v = value(load);
    StoreN(accumulate ? hn::Add(v, load(out)) : v, out + i, n - i);
  }
}

}  // namespace tessera::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
