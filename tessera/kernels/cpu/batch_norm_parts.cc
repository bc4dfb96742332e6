#include "tessera/kernels/batch_norm_parts.h"

#include "tessera/kernels/batch_norm.h"
#include "tessera/kernels/cpu/pixel_sums.h"
#include "tessera/kernels/cpu/targets.h"
#include "tessera/kernels/profile.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tessera/kernels/cpu/batch_norm_parts.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "tessera/kernels/cpu/activation-inl.h"
#include "tessera/kernels/cpu/pixel_sums-inl.h"

#ifndef TESSERA_KERNELS_CPU_BATCH_NORM_PARTS_ONCE
#define TESSERA_KERNELS_CPU_BATCH_NORM_PARTS_ONCE
namespace tessera::kernels {

// What backward needs of each channel of all parts, (C).
struct PartTerms {
  const float *mean, *rstd, *scale, *shift;
};

}  // namespace tessera::kernels
#endif

HWY_BEFORE_NAMESPACE();
namespace tessera::kernels::HWY_NAMESPACE {

HWY_INLINE void StoreThrough(WholeLoad load, Vec v, float* p) { StoreAt(v, p + load.i); }
HWY_INLINE void StoreThrough(PartLoad load, Vec v, float* p) { StoreAt(v, p + load.i, load.n); }

// Some channels of some pixels at a time: what is read is a run of one array, what is written stays in the cache until
// the other parts have filled its rows.
void Forward(const BatchNormPartsForward& a, int64_t begin, int64_t end) {
  const int64_t lanes = LaneCount();
  With(a.activation, [&](auto function) {
    for (; begin < end; begin += kPixels) {
      const int64_t stop = std::min(begin + kPixels, end);
      int64_t first = 0;  // the part's first channel among all
      for (const NormPart& part : a.parts) {
        const auto run = [&](auto load) {
          const Vec scale = load(a.scale + first), shift = load(a.shift + first);
          for (int64_t p = begin; p < stop; ++p)
            StoreThrough(load, function.Value(hn::MulAdd(load(part.x + p * part.C), scale, shift)),
                         a.y + p * a.C + first);
        };
        int64_t c = 0;
        for (; c + lanes <= part.C; c += lanes) run(WholeLoad{c});
        if (c < part.C) run(PartLoad{c, part.C - c});
        first += part.C;
      }
    }
  });
}

// dx of one part, whose first channel among all is `first`, and Σ δ and Σ δ·x̂ of its channels.
void BackwardPart(const BatchNormPartsBackward& a, const NormPart& part, const PartTerms& t, int64_t first,
                  int64_t begin, int64_t end, double* sums) {
  With(a.activation, [&](auto function) {
    SumPixels<2>(begin, end, part.C, a.C, sums, [&](auto load, int64_t p, Vec* some) {
      const Vec x = load(part.x + p * part.C), scale = load(t.scale + first);
      const Vec delta = function.Gradient(load(a.dy + p * a.C + first), hn::MulAdd(x, scale, load(t.shift + first)));
      some[0] = hn::Add(some[0], delta);
      some[1] = hn::MulAdd(delta, hn::Mul(hn::Sub(x, load(t.mean + first)), load(t.rstd + first)), some[1]);
      if (!part.dx) return;
      float* dx = part.dx.data + p * part.C;
      StoreThrough(load, part.dx.accumulate ? hn::MulAdd(delta, scale, load(dx)) : hn::Mul(delta, scale), dx);
    });
  });
}

// dx = x·slope + origin
void AffineRows(const MomentsBackward& a, const float* slope, const float* origin, int64_t begin, int64_t end) {
  for (int64_t p = begin; p < end; ++p) {
    const float* x = a.x + p * a.C;
    StoreOver(a.C, a.dx.data + p * a.C, a.dx.accumulate,
              [&](auto load) { return hn::MulAdd(load(x), load(slope), load(origin)); });
  }
}

}  // namespace tessera::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tessera::kernels {

HWY_EXPORT(Forward);
HWY_EXPORT(BackwardPart);
HWY_EXPORT(AffineRows);

void batch_norm_parts_forward(Context& context, const BatchNormPartsForward& args) {
  const Measured measured(context, [&] { return memory_work("batch norm", args.P * args.C, 2); });
  parallel_for(args.P, pixel_grain(args.C), [&](int64_t begin, int64_t end) {
    HWY_DYNAMIC_DISPATCH(Forward)(args, begin, end);
  });
}

void batch_norm_parts_backward(Context& context, const BatchNormPartsBackward& args) {
  const int64_t P = args.P, C = args.C;
  const Measured measured(context, [&] { return memory_work("batch norm, backward", P * C, 4); });
  std::vector<float> values(static_cast<size_t>(3 * C));
  float *rstd = values.data(), *scale = rstd + C, *shift = scale + C;
  for (int64_t c = 0; c < C; ++c) {
    const NormAffine affine = norm_affine(args.mean[c], args.variance[c], args.gamma[c], args.beta[c], args.eps);
    rstd[c] = static_cast<float>(affine.rstd);
    scale[c] = static_cast<float>(affine.scale);
    shift[c] = static_cast<float>(affine.shift);
  }
  const PixelSums<2> sums(P, C, [&](int64_t begin, int64_t end, double* some) {
    int64_t first = 0;
    for (const NormPart& part : args.parts) {
      HWY_DYNAMIC_DISPATCH(BackwardPart)
      (args, part, {args.mean, rstd, scale, shift}, first, begin, end, some + first);
      first += part.C;
    }
  });
  const auto store = [](const Grad& grad, int64_t n, auto value) {
    if (grad) store_over(n, grad.data, grad.accumulate, [&](int64_t c) { return static_cast<float>(value(c)); });
  };
  sums.store(0, args.dbeta), sums.store(1, args.dgamma);
  int64_t first = 0;
  for (const NormPart& part : args.parts) {
    store(part.dmoments, 2 * part.C, [&](int64_t i) {
      const int64_t c = first + i % part.C;
      return i < part.C ? -scale[c] * sums(0, c) : -0.5 * scale[c] * rstd[c] * sums(1, c);
    });
    first += part.C;
  }
}

void moments_backward(Context& context, const MomentsBackward& args) {
  const int64_t P = args.P, C = args.C;
  const Measured measured(context, [&] { return memory_work("batch norm, moments", P * C, 3); });
  std::vector<float> values(static_cast<size_t>(2 * C));
  float *slope = values.data(), *origin = slope + C;
  for (int64_t c = 0; c < C; ++c) {
    const double s = 2.0 * args.dmoments[C + c] / static_cast<double>(P);
    slope[c] = static_cast<float>(s);
    origin[c] = static_cast<float>(args.dmoments[c] / static_cast<double>(P) - s * args.mean[c]);
  }
  parallel_for(P, pixel_grain(C), [&](int64_t begin, int64_t end) {
    HWY_DYNAMIC_DISPATCH(AffineRows)(args, slope, origin, begin, end);
  });
}

}  // namespace tessera::kernels
#endif  // HWY_ONCE
