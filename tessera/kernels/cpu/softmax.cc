#include "tessera/kernels/softmax.h"

#include <algorithm>

#include "tessera/core/parallel.h"
#include "tessera/kernels/cpu/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tessera/kernels/cpu/softmax.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "tessera/kernels/cpu/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace tessera::kernels::HWY_NAMESPACE {

void ForwardRows(const SoftmaxForward& a, int64_t begin, int64_t end) {
  const F f;
  for (int64_t r = begin; r < end; ++r) {
    const float* x = a.x + r * a.D;
    float* y = a.y + r * a.D;
    const Vec peak = hn::Set(f, MaxOver(a.D, x));
    StoreOver(a.D, y, false, [&](auto load) { return Exp(hn::Sub(load(x), peak)); });
    const Vec scale = hn::Set(f, 1 / SumOver(a.D, [&](auto load) { return load(y); }));
    StoreOver(a.D, y, false, [&](auto load) { return hn::Mul(load(y), scale); });
  }
}

void BackwardRows(const SoftmaxBackward& a, int64_t begin, int64_t end) {
  const F f;
  for (int64_t r = begin; r < end; ++r) {
    const float *dy = a.dy + r * a.D, *y = a.y + r * a.D;
    const Vec mean = hn::Set(f, SumOver(a.D, [&](auto load) { return hn::Mul(load(dy), load(y)); }));
    StoreOver(a.D, a.dx.data + r * a.D, a.dx.accumulate,
              [&](auto load) { return hn::Mul(load(y), hn::Sub(load(dy), mean)); });
  }
}

}  // namespace tessera::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tessera::kernels {

HWY_EXPORT(ForwardRows);
HWY_EXPORT(BackwardRows);

namespace {
int64_t grain_of(int64_t D) { return std::max<int64_t>(16384 / std::max<int64_t>(D, 1), 1); }  // rows
}  // namespace

void softmax_forward(Context&, const SoftmaxForward& args) {
  parallel_for(args.rows, grain_of(args.D), [&](int64_t begin, int64_t end) {
    HWY_DYNAMIC_DISPATCH(ForwardRows)(args, begin, end);
  });
}

void softmax_backward(Context&, const SoftmaxBackward& args) {
  parallel_for(args.rows, grain_of(args.D), [&](int64_t begin, int64_t end) {
    HWY_DYNAMIC_DISPATCH(BackwardRows)(args, begin, end);
  });
}

}  // namespace tessera::kernels
#endif  // HWY_ONCE
