#include "tessera/kernels/quantize.h"

#include "tessera/core/parallel.h"
#include "tessera/kernels/cpu/targets.h"
#include "tessera/kernels/profile.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tessera/kernels/cpu/quantize.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "tessera/kernels/cpu/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace tessera::kernels::HWY_NAMESPACE {

constexpr float kMost = 127;

// max |x|, and NaN where one of x is NaN or infinite: Max overlooks a NaN, a sum of x·0 does not.
HWY_INLINE float LargestMagnitude(const float* x, int64_t n) {
  const F f;
  const int64_t lanes = LaneCount();
  Vec most = hn::Zero(f), poison = hn::Zero(f);
  const auto take = [&](Vec v) {
    most = hn::Max(most, hn::Abs(v));
    poison = hn::MulAdd(v, hn::Zero(f), poison);
  };
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) take(hn::LoadU(f, x + i));
  if (i < n) take(LoadN(x + i, n - i));
  return hn::GetLane(hn::MaxOfLanes(f, most)) + hn::GetLane(hn::SumOfLanes(f, poison));
}

void Quantize(const QuantizeRows& a, int64_t begin, int64_t end) {
  const F f;
  const hn::Rebind<int8_t, F> bytes;
  const int64_t lanes = LaneCount();
  for (int64_t r = begin; r < end; ++r) {
    const float* x = a.x + r * a.N;
    int8_t* q = a.q + r * a.N;
    const float most = LargestMagnitude(x, a.N);
    a.scale[r] = most / kMost;
    const Vec factor = hn::Set(f, most > 0 ? kMost / most : 0.0f);
    const auto rounded = [&](Vec v) { return hn::DemoteTo(bytes, hn::NearestInt(hn::Mul(v, factor))); };
    int64_t c = 0;
    for (; c + lanes <= a.N; c += lanes) hn::StoreU(rounded(hn::LoadU(f, x + c)), bytes, q + c);
    if (c == a.N) continue;
    HWY_ALIGN int8_t last[hn::MaxLanes(f)];
    hn::Store(rounded(LoadN(x + c, a.N - c)), bytes, last);
    for (int64_t t = 0; c + t < a.N; ++t) q[c + t] = last[t];
  }
}

}  // namespace tessera::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tessera::kernels {

HWY_EXPORT(Quantize);

void quantize_rows(Context& context, const QuantizeRows& args) {
  const Measured measured(context, [&] { return memory_work("quantize", args.rows * args.N, 1.25); });
  parallel_for(args.rows, 1 + 16384 / args.N, [&](int64_t begin, int64_t end) {
    HWY_DYNAMIC_DISPATCH(Quantize)(args, begin, end);
  });
}

void dequantize_rows(Context&, const DequantizeRows& args) {
  parallel_for(args.rows, 1 + 16384 / args.N, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r)
      for (int64_t c = 0; c < args.N; ++c)
        args.x[r * args.N + c] = args.scale[r] * static_cast<float>(args.q[r * args.N + c]);
  });
}

}  // namespace tessera::kernels
#endif  // HWY_ONCE
