#include "tessera/kernels/optimizer.h"

#include <algorithm>
#include <vector>

#include "tessera/core/parallel.h"
#include "tessera/kernels/cpu/targets.h"
#include "tessera/kernels/profile.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tessera/kernels/cpu/optimizer.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "tessera/kernels/cpu/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace tessera::kernels::HWY_NAMESPACE {

// body(load, store) for each vector of [0, n), the last one perhaps a part. load(p) and store(v, p) add the offset.
template <class Body>
HWY_INLINE void ForEachVector(int64_t n, Body body) {
  const F f;
  const int64_t lanes = LaneCount();
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes)
    body([&](const float* p) { return hn::LoadU(f, p + i); }, [&](Vec v, float* p) { hn::StoreU(v, f, p + i); });
  if (i < n)
    body([&](const float* p) { return LoadN(p + i, n - i); }, [&](Vec v, float* p) { StoreN(v, p + i, n - i); });
}

void AdamVectors(const AdamStep& a) {
  const F f;
  const Vec gradient_scale = hn::Set(f, a.gradient_scale), l2 = hn::Set(f, a.l2), shrink = hn::Set(f, a.shrink);
  const Vec fresh1 = hn::Set(f, a.fresh1), beta2 = hn::Set(f, a.beta2), fresh2 = hn::Set(f, a.fresh2);
  const Vec rate = hn::Set(f, a.rate), correction = hn::Set(f, a.rsqrt_correction), eps = hn::Set(f, a.eps);
  ForEachVector(a.n, [&](auto load, auto store) {
    const Vec p = load(a.parameter), m = load(a.first);
    const Vec g = hn::MulAdd(l2, p, hn::Mul(gradient_scale, load(a.gradient)));
    const Vec first = hn::MulAdd(fresh1, hn::Sub(g, m), m);
    Vec second = hn::MulAdd(hn::Mul(fresh2, g), g, hn::Mul(beta2, load(a.second)));
    store(first, a.first);
    store(second, a.second);
    if (a.largest_second) {
      second = hn::Max(second, load(a.largest_second));
      store(second, a.largest_second);
    }
    const Vec step = hn::Div(hn::Mul(rate, first), hn::MulAdd(hn::Sqrt(second), correction, eps));
    store(hn::Sub(hn::Mul(p, shrink), step), a.parameter);
  });
}

void SgdVectors(const SgdStep& a) {
  const F f;
  const Vec gradient_scale = hn::Set(f, a.gradient_scale), l2 = hn::Set(f, a.l2), lr = hn::Set(f, a.lr);
  const Vec momentum = hn::Set(f, a.momentum), fresh = hn::Set(f, a.fresh);
  ForEachVector(a.n, [&](auto load, auto store) {
    const Vec p = load(a.parameter);
    const Vec g = hn::MulAdd(l2, p, hn::Mul(gradient_scale, load(a.gradient)));
    Vec step = g;
    if (a.buffer) {
      const Vec b = hn::MulAdd(momentum, load(a.buffer), hn::Mul(fresh, g));
      store(b, a.buffer);
      step = a.nesterov ? hn::MulAdd(momentum, b, g) : b;
    }
    store(hn::NegMulAdd(lr, step, p), a.parameter);
  });
}

double SquaresOfVectors(const float* x, int64_t n) {
  const hn::Repartition<double, F> d;
  const hn::Half<F> half;
  auto low = hn::Zero(d), high = hn::Zero(d);
  ForEachVector(n, [&](auto load, auto) {
    const Vec v = load(x);
    const auto a = hn::PromoteTo(d, hn::LowerHalf(half, v)), b = hn::PromoteTo(d, hn::UpperHalf(half, v));
    low = hn::MulAdd(a, a, low);
    high = hn::MulAdd(b, b, high);
  });
  return hn::GetLane(hn::SumOfLanes(d, hn::Add(low, high)));
}

void BlendVectors(const Blend& a) {
  const Vec share = hn::Set(F(), a.share);
  ForEachVector(a.n, [&](auto load, auto store) {
    const Vec average = load(a.average);
    store(hn::MulAdd(share, hn::Sub(load(a.x), average), average), a.average);
  });
}

}  // namespace tessera::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tessera::kernels {

HWY_EXPORT(AdamVectors);
HWY_EXPORT(SgdVectors);
HWY_EXPORT(SquaresOfVectors);
HWY_EXPORT(BlendVectors);

namespace {
constexpr int64_t kGrain = 32768;  // elements per piece at least
}

void adam_step(Context&, const AdamStep& args) { HWY_DYNAMIC_DISPATCH(AdamVectors)(args); }

void sgd_step(Context&, const SgdStep& args) { HWY_DYNAMIC_DISPATCH(SgdVectors)(args); }

double sum_of_squares(Context& context, const float* x, int64_t n) {
  const Measured measured(context, [&] { return memory_work("gradient norm", n, 1); });
  std::vector<double> partial(static_cast<size_t>(parallel_pieces(n, kGrain)));
  parallel_for_pieces(n, kGrain, [&](int piece, int64_t begin, int64_t end) {
    partial[static_cast<size_t>(piece)] = HWY_DYNAMIC_DISPATCH(SquaresOfVectors)(x + begin, end - begin);
  });
  double sum = 0;
  for (double part : partial) sum += part;
  return sum;
}

void blend(Context&, const Blend& args) {
  if (args.share == 1) {
    std::copy_n(args.x, args.n, args.average);
  } else {
    HWY_DYNAMIC_DISPATCH(BlendVectors)(args);
  }
}

}  // namespace tessera::kernels
#endif  // HWY_ONCE
