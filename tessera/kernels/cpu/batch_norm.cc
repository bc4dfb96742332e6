#include "tessera/kernels/batch_norm.h"

#include <algorithm>
#include <vector>

#include "tessera/kernels/cpu/pixel_sums.h"
#include "tessera/kernels/cpu/targets.h"
#include "tessera/kernels/profile.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tessera/kernels/cpu/batch_norm.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "tessera/kernels/cpu/activation-inl.h"
#include "tessera/kernels/cpu/pixel_sums-inl.h"

#ifndef TESSERA_KERNELS_CPU_BATCH_NORM_ONCE
#define TESSERA_KERNELS_CPU_BATCH_NORM_ONCE
namespace tessera::kernels {

// What the passes over the pixels need of each channel.
struct ChannelTerms {
  const float *mean, *rstd, *scale, *shift;  // (C): scale = rstd·gamma, shift = beta - mean·scale
  const float *mean_delta, *mean_product;    // (C): of δ and of δ·x̂; zeros with given statistics
};

}  // namespace tessera::kernels
#endif

HWY_BEFORE_NAMESPACE();
namespace tessera::kernels::HWY_NAMESPACE {

// Calls f with the functions before and behind the norm, of which one at least is the identity.
template <class F>
void WithBoth(Activation before, Activation behind, F f) {
  if (before == Activation::none) return With(behind, [&](auto function) { f(Identity(), function); });
  With(before, [&](auto function) { f(function, Identity()); });
}

// Σ (x - origin) and Σ (x - origin)² of x = before(args.x), origin being the first pixel's.
void SumSquares(const BatchStatistics& args, int64_t begin, int64_t end, double* sums) {
  With(args.before, [&](auto before) {
    SumPixels<2>(begin, end, args.shape.C, args.shape.C, sums, [&](auto load, int64_t p, Vec* some) {
      const Vec difference = hn::Sub(before.Value(load(args.x + p * args.shape.C)), load(args.mean));
      some[0] = hn::Add(some[0], difference);
      some[1] = hn::MulAdd(difference, difference, some[1]);
    });
  });
}

// act(before(x)·scale + shift + residual)
void Forward(const BatchNormForward& a, const ChannelTerms& t, int64_t begin, int64_t end) {
  WithBoth(a.before, a.activation, [&](auto before, auto function) {
    for (int64_t row = begin * a.shape.C; row < end * a.shape.C; row += a.shape.C) {
      const float *x = a.x + row, *residual = a.residual ? a.residual + row : nullptr;
      StoreOver(a.shape.C, a.y + row, false, [&](auto load) {
        const Vec normed = hn::MulAdd(before.Value(load(x)), load(t.scale), load(t.shift));
        return function.Value(residual ? hn::Add(normed, load(residual)) : normed);
      });
    }
  });
}

// δ of the vector at `load` of the row.
template <class Before, class Function, class Load>
HWY_INLINE Vec Delta(Before before, Function function, const BatchNormBackward& a, const ChannelTerms& t, int64_t row,
                     Load load) {
  Vec z = hn::MulAdd(before.Value(load(a.x + row)), load(t.scale), load(t.shift));
  if (a.residual) z = hn::Add(z, load(a.residual + row));
  return function.Gradient(load(a.dy + row), z);
}

// x̂ there.
template <class Before, class Load>
HWY_INLINE Vec Normed(Before before, const BatchNormBackward& a, const ChannelTerms& t, int64_t row, Load load) {
  return hn::Mul(hn::Sub(before.Value(load(a.x + row)), load(t.mean)), load(t.rstd));
}

// Σ δ and Σ δ·x̂.
void SumDeltas(const BatchNormBackward& a, const ChannelTerms& t, int64_t begin, int64_t end, double* sums) {
  WithBoth(a.before, a.activation, [&](auto before, auto function) {
    SumPixels<2>(begin, end, a.shape.C, a.shape.C, sums, [&](auto load, int64_t p, Vec* some) {
      const int64_t row = p * a.shape.C;
      const Vec delta = Delta(before, function, a, t, row, load);
      some[0] = hn::Add(some[0], delta);
      some[1] = hn::MulAdd(delta, Normed(before, a, t, row, load), some[1]);
    });
  });
}

void Backward(const BatchNormBackward& a, const ChannelTerms& t, int64_t begin, int64_t end) {
  WithBoth(a.before, a.activation, [&](auto before, auto function) {
    for (int64_t row = begin * a.shape.C; row < end * a.shape.C; row += a.shape.C) {
      const auto delta = [&](auto load) { return Delta(before, function, a, t, row, load); };
      const auto dx = [&](auto load) {
        const Vec normed = Normed(before, a, t, row, load);
        const Vec centred = hn::Sub(delta(load), load(t.mean_delta));
        const Vec slope = hn::Mul(load(t.scale), hn::NegMulAdd(normed, load(t.mean_product), centred));
        return before.Gradient(slope, load(a.x + row));
      };
      if (a.dx) StoreOver(a.shape.C, a.dx.data + row, a.dx.accumulate, dx);
      if (a.dresidual) StoreOver(a.shape.C, a.dresidual.data + row, a.dresidual.accumulate, delta);
    }
  });
}

}  // namespace tessera::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tessera::kernels {

HWY_EXPORT(SumSquares);
HWY_EXPORT(Forward);
HWY_EXPORT(SumDeltas);
HWY_EXPORT(Backward);

namespace {

// The terms of each channel in one buffer.
class Terms {
 public:
  Terms(int64_t C, const float* mean, const float* variance, const float* gamma, const float* beta, float eps)
      : C_(C), values_(static_cast<size_t>(5 * C)) {
    for (int64_t c = 0; c < C; ++c) {
      const NormAffine affine = norm_affine(mean[c], variance[c], gamma[c], beta[c], eps);
      at(0, c) = static_cast<float>(affine.rstd);
      at(1, c) = static_cast<float>(affine.scale);
      at(2, c) = static_cast<float>(affine.shift);
    }
    mean_ = mean;
  }
  void set_means(const PixelSums<2>& sums, int64_t P) {
    for (int64_t c = 0; c < C_; ++c) {
      at(3, c) = static_cast<float>(sums(0, c) / static_cast<double>(P));
      at(4, c) = static_cast<float>(sums(1, c) / static_cast<double>(P));
    }
  }
  ChannelTerms terms() const {
    const float* first = values_.data();
    return {mean_, first, first + C_, first + 2 * C_, first + 3 * C_, first + 4 * C_};
  }

 private:
  float& at(int64_t row, int64_t c) { return values_[static_cast<size_t>(row * C_ + c)]; }
  int64_t C_;
  const float* mean_;
  std::vector<float> values_;
};

}  // namespace

// About the first pixel, so that squares lose no digits where the mean is far from zero.
void batch_statistics(Context& context, const BatchStatistics& args) {
  const int64_t P = args.shape.P, C = args.shape.C;
  const Measured measured(context, [&] { return memory_work("batch norm, statistics", P * C, 1); });
  Context unmeasured;  // so few numbers are no row of a profile
  activation_forward(unmeasured, {.x = args.x, .y = args.mean, .n = C, .activation = args.before});
  const PixelSums<2> sums(P, C, [&](int64_t begin, int64_t end, double* some) {
    HWY_DYNAMIC_DISPATCH(SumSquares)(args, begin, end, some);
  });
  for (int64_t c = 0; c < C; ++c) {
    const double off = sums(0, c) / static_cast<double>(P), square = sums(1, c) / static_cast<double>(P);
    args.mean[c] = static_cast<float>(args.mean[c] + off);
    args.variance[c] = static_cast<float>(std::max(square - off * off, 0.0));
  }
}

void batch_norm_forward(Context& context, const BatchNormForward& args) {
  const int64_t P = args.shape.P, C = args.shape.C;
  const Measured measured(context, [&] { return memory_work("batch norm", P * C, args.residual ? 3 : 2); });
  const Terms terms(C, args.mean, args.variance, args.gamma, args.beta, args.eps);
  parallel_for(P, pixel_grain(C), [&](int64_t begin, int64_t end) {
    HWY_DYNAMIC_DISPATCH(Forward)(args, terms.terms(), begin, end);
  });
}

void batch_norm_backward(Context& context, const BatchNormBackward& args) {
  const int64_t P = args.shape.P, C = args.shape.C;
  const Measured measured(context, [&] { return memory_work("batch norm, backward", P * C, 5); });
  Terms terms(C, args.mean, args.variance, args.gamma, args.beta, args.eps);
  if (args.dgamma || args.dbeta || (args.dx && args.own_statistics)) {
    const PixelSums<2> sums(P, C, [&](int64_t begin, int64_t end, double* some) {
      HWY_DYNAMIC_DISPATCH(SumDeltas)(args, terms.terms(), begin, end, some);
    });
    sums.store(0, args.dbeta), sums.store(1, args.dgamma);
    if (args.own_statistics) terms.set_means(sums, P);
  }
  if (!args.dx && !args.dresidual) return;
  parallel_for(P, pixel_grain(C), [&](int64_t begin, int64_t end) {
    HWY_DYNAMIC_DISPATCH(Backward)(args, terms.terms(), begin, end);
  });
}

}  // namespace tessera::kernels
#endif  // HWY_ONCE
