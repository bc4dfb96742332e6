#include "tessera/kernels/layer_norm.h"

#include <cmath>

#include "tessera/kernels/cpu/floats.h"
#include "tessera/kernels/cpu/loops.h"
#include "tessera/kernels/cpu/targets.h"
#include "tessera/kernels/profile.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tessera/kernels/cpu/layer_norm.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "tessera/kernels/cpu/quantize-inl.h"

HWY_BEFORE_NAMESPACE();
namespace tessera::kernels::HWY_NAMESPACE {

// scratch: D floats, where y is to be quantised.
void ForwardRows(const LayerNormForward& a, int64_t begin, int64_t end, float* scratch) {
  const F f;
  for (int64_t r = begin; r < end; ++r) {
    const float* x = a.x + r * a.D;
    const float mean = SumOver(a.D, [&](auto load) { return load(x); }) / static_cast<float>(a.D);
    const auto vmean = hn::Set(f, mean);
    const float squares = SumOver(a.D, [&](auto load) {
      const auto centred = hn::Sub(load(x), vmean);
      return hn::Mul(centred, centred);
    });
    const float rstd = 1.0f / std::sqrt(squares / static_cast<float>(a.D) + a.eps);
    if (a.mean) a.mean[r] = mean;
    if (a.rstd) a.rstd[r] = rstd;
    const auto vrstd = hn::Set(f, rstd);
    const auto store = [&](auto* y) {
      StoreOver(a.D, y, false, [&](auto load) {
        return hn::MulAdd(hn::Mul(hn::Sub(load(x), vmean), vrstd), load(a.gamma), load(a.beta));
      });
    };
    if (a.q) {
      store(scratch);
      a.q_scale[r] = QuantizeRow(scratch, a.D, a.q + r * a.D);
    } else {
      with_pointer(a.y, [&](auto* y) { store(y + r * a.D); });
    }
  }
}

void BackwardRows(const LayerNormBackward& a, int64_t begin, int64_t end, float* dgamma, float* dbeta) {
  const F f;
  const float scale = 1.0f / static_cast<float>(a.D);
  for (int64_t r = begin; r < end; ++r) {
    const float* x = a.x + r * a.D;
    const float* dy = a.dy + r * a.D;
    const auto mean = hn::Set(f, a.mean[r]);
    const auto rstd = hn::Set(f, a.rstd[r]);
    const auto normed = [&](auto load) { return hn::Mul(hn::Sub(load(x), mean), rstd); };
    const auto g = [&](auto load) { return hn::Mul(load(dy), load(a.gamma)); };
    if (a.dx) {
      const auto mean_g = hn::Set(f, scale * SumOver(a.D, g));
      const auto mean_gx = hn::Set(f, scale * SumOver(a.D, [&](auto load) { return hn::Mul(g(load), normed(load)); }));
      StoreOver(a.D, a.dx.data + r * a.D, a.dx.accumulate, [&](auto load) {
        return hn::Mul(rstd, hn::NegMulAdd(normed(load), mean_gx, hn::Sub(g(load), mean_g)));
      });
    }
    if (dgamma) StoreOver(a.D, dgamma, true, [&](auto load) { return hn::Mul(load(dy), normed(load)); });
    if (dbeta) StoreOver(a.D, dbeta, true, [&](auto load) { return load(dy); });
  }
}

}  // namespace tessera::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tessera::kernels {

HWY_EXPORT(ForwardRows);
HWY_EXPORT(BackwardRows);

namespace {
constexpr int64_t kGrain = 16;  // rows per piece at least
}

void layer_norm_forward(Context& context, const LayerNormForward& args) {
  const Measured measured(context, [&] { return memory_work("layer norm", args.rows * args.D, 2); });
  const Floats scratch(args.q ? num_threads() * args.D : 0);
  parallel_for_pieces(args.rows, kGrain, [&](int piece, int64_t begin, int64_t end) {
    HWY_DYNAMIC_DISPATCH(ForwardRows)(args, begin, end, scratch.data() + piece * args.D);
  });
}

void layer_norm_backward(Context& context, const LayerNormBackward& args) {
  const Measured measured(context, [&] { return memory_work("layer norm, backward", args.rows * args.D, 3); });
  const int pieces = parallel_pieces(args.rows, kGrain);
  PartialSums dgamma(args.dgamma, args.D, pieces), dbeta(args.dbeta, args.D, pieces);
  parallel_for_pieces(args.rows, kGrain, [&](int piece, int64_t begin, int64_t end) {
    HWY_DYNAMIC_DISPATCH(BackwardRows)(args, begin, end, dgamma.of(piece), dbeta.of(piece));
  });
  dgamma.gather();
  dbeta.gather();
}

}  // namespace tessera::kernels
#endif  // HWY_ONCE
