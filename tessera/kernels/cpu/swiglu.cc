#include "tessera/kernels/swiglu.h"

#include <algorithm>

#include "tessera/core/parallel.h"
#include "tessera/kernels/cpu/targets.h"
#include "tessera/kernels/profile.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tessera/kernels/cpu/swiglu.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "tessera/kernels/cpu/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace tessera::kernels::HWY_NAMESPACE {

void Forward(const SwigluForward& a, int64_t begin, int64_t end) {
  const auto run = [&](auto* g, auto* x, auto* y) {
    for (int64_t r = begin; r < end; ++r) {
      StoreOver(a.N, y + r * a.N, false, [g = g + r * a.row, x = x + r * a.row](auto load) {
        const Vec gate = load(g);
        return hn::Mul(hn::Mul(gate, LogisticAt(gate).value), load(x));
      });
    }
  };
  with_pointer(a.g,
               [&](auto* g) { with_pointer(a.y, [&](auto* y) { run(g, static_cast<decltype(g)>(a.x.data), y); }); });
}

void Backward(const SwigluBackward& a, int64_t begin, int64_t end) {
  const auto run = [&](auto* g, auto* x) {
    for (int64_t r = begin; r < end; ++r) {
      const float* dy = a.dy + r * a.N;
      const int64_t at = r * a.row;
      if (a.dg) {
        StoreOver(a.N, a.dg.data + at, a.dg.accumulate, [dy, g = g + at, x = x + at](auto load) {
          const Vec gate = load(g);
          const Logistic logistic = LogisticAt(gate);
          return hn::Mul(hn::Mul(load(dy), load(x)), hn::MulAdd(gate, logistic.slope, logistic.value));
        });
      }
      if (a.dx) {
        StoreOver(a.N, a.dx.data + at, a.dx.accumulate, [dy, g = g + at](auto load) {
          const Vec gate = load(g);
          return hn::Mul(load(dy), hn::Mul(gate, LogisticAt(gate).value));
        });
      }
    }
  };
  with_pointer(a.g, [&](auto* g) { run(g, static_cast<decltype(g)>(a.x.data)); });
}

}  // namespace tessera::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tessera::kernels {

HWY_EXPORT(Forward);
HWY_EXPORT(Backward);

namespace {
int64_t grain(int64_t N) { return 8192 / std::max<int64_t>(N, 1) + 1; }  // rows per piece at least
}  // namespace

void swiglu_forward(Context& context, const SwigluForward& args) {
  const Measured measured(context, [&] { return memory_work("swiglu", args.rows * args.N, 3); });
  parallel_for(args.rows, grain(args.N), [&](int64_t begin, int64_t end) {
    HWY_DYNAMIC_DISPATCH(Forward)(args, begin, end);
  });
}

void swiglu_backward(Context& context, const SwigluBackward& args) {
  const Measured measured(context, [&] { return memory_work("swiglu, backward", args.rows * args.N, 5); });
  parallel_for(args.rows, grain(args.N), [&](int64_t begin, int64_t end) {
    HWY_DYNAMIC_DISPATCH(Backward)(args, begin, end);
  });
}

}  // namespace tessera::kernels
#endif  // HWY_ONCE
