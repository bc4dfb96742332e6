#include "tessera/kernels/cross_entropy.h"

#include <algorithm>
#include <cmath>

#include "tessera/core/parallel.h"
#include "tessera/kernels/cpu/targets.h"
#include "tessera/kernels/profile.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tessera/kernels/cpu/cross_entropy.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "tessera/kernels/cpu/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace tessera::kernels::HWY_NAMESPACE {

// The targets t of one row: `dense` over all classes, and `hot` more at the label.
class RowTargets {
 public:
  RowTargets(const CrossEntropyTargets& targets, int64_t b, int64_t K)
      : soft_(targets.soft ? targets.soft + b * K : nullptr),
        weights_(targets.class_weights),
        keep_(1 - targets.smoothing),
        spread_(targets.smoothing / static_cast<float>(K)) {
    if (soft_) return;
    label_ = targets.labels[b];
    hot_ = keep_ * (weights_ ? weights_[label_] : 1);
  }
  bool has_dense() const { return soft_ || spread_ > 0; }
  int64_t label() const { return label_; }
  float hot() const { return hot_; }  // 0 with soft targets

  // Lanes past the end get the weight 0 or are not used.
  template <class Load>
  HWY_INLINE Vec Dense(Load load) const {
    const F f;
    Vec t = hn::Set(f, spread_);
    if (soft_) t = hn::MulAdd(load(soft_), hn::Set(f, keep_), t);
    return weights_ ? hn::Mul(load(weights_), t) : t;
  }

 private:
  const float* soft_;
  const float* weights_;
  float keep_, spread_;
  int64_t label_ = 0;
  float hot_ = 0;
};

void ForwardRows(const CrossEntropyForward& a, int64_t begin, int64_t end, double* losses) {
  const F f;
  for (int64_t b = begin; b < end; ++b) {
    const float* x = a.logits + b * a.K;
    const float peak = MaxOver(a.K, x);
    const Vec vpeak = hn::Set(f, peak);
    const float sum = SumOver(a.K, [&](auto load) { return Exp(hn::Sub(load(x), vpeak)); });
    a.peak[b] = peak;
    a.sum[b] = sum;
    // lse - x as (peak - x) + log(sum): exact also where the logits are large.
    const float log_sum = std::log(sum);
    const RowTargets targets(a.targets, b, a.K);
    double loss = targets.hot() == 0 ? 0 : targets.hot() * ((peak - x[targets.label()]) + log_sum);
    if (targets.has_dense()) {
      const Vec vlog_sum = hn::Set(f, log_sum);
      loss += SumOver(
          a.K, [&](auto load) { return hn::Mul(targets.Dense(load), hn::Add(hn::Sub(vpeak, load(x)), vlog_sum)); });
    }
    losses[b] = loss;
  }
}

void BackwardRows(const CrossEntropyBackward& a, int64_t begin, int64_t end) {
  const F f;
  const float scale = static_cast<float>(a.dloss / a.divisor);
  const Vec vscale = hn::Set(f, scale);
  for (int64_t b = begin; b < end; ++b) {
    const float* x = a.logits + b * a.K;
    float* dx = a.dx.data + b * a.K;
    const Vec peak = hn::Set(f, a.peak[b]);
    const RowTargets targets(a.targets, b, a.K);
    const auto dense = [&](auto load) { return targets.Dense(load); };
    const float total = targets.hot() + (targets.has_dense() ? SumOver(a.K, dense) : 0);
    const Vec share = hn::Set(f, total / a.sum[b]);
    StoreOver(a.K, dx, a.dx.accumulate,
              [&](auto load) { return hn::Mul(vscale, hn::MulSub(share, Exp(hn::Sub(load(x), peak)), dense(load))); });
    if (targets.hot() != 0) dx[targets.label()] -= scale * targets.hot();
  }
}

}  // namespace tessera::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tessera::kernels {

HWY_EXPORT(ForwardRows);
HWY_EXPORT(BackwardRows);

namespace {
int64_t grain_of(int64_t K) { return std::max<int64_t>(16384 / std::max<int64_t>(K, 1), 1); }  // rows
}  // namespace

void cross_entropy_forward(Context& context, const CrossEntropyForward& args) {
  const Measured measured(context, [&] { return memory_work("cross-entropy", args.B * args.K, 1); });
  const auto scratch = allocate(static_cast<size_t>(args.B) * sizeof(double));
  double* losses = reinterpret_cast<double*>(scratch.get());  // (B)
  parallel_for(args.B, grain_of(args.K), [&](int64_t begin, int64_t end) {
    HWY_DYNAMIC_DISPATCH(ForwardRows)(args, begin, end, losses);
  });
  double loss = 0;
  for (int64_t b = 0; b < args.B; ++b) loss += losses[b];
  *args.loss = static_cast<float>(loss / args.divisor);
}

void cross_entropy_backward(Context& context, const CrossEntropyBackward& args) {
  const Measured measured(context, [&] { return memory_work("cross-entropy, backward", args.B * args.K, 2); });
  parallel_for(args.B, grain_of(args.K), [&](int64_t begin, int64_t end) {
    HWY_DYNAMIC_DISPATCH(BackwardRows)(args, begin, end);
  });
}

}  // namespace tessera::kernels
#endif  // HWY_ONCE
