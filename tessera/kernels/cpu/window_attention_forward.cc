#include <cmath>

#include "tessera/core/parallel.h"
#include "tessera/kernels/cpu/attention_work.h"
#include "tessera/kernels/cpu/targets.h"
#include "tessera/kernels/cpu/window_bias.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tessera/kernels/cpu/window_attention_forward.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "tessera/kernels/cpu/window_attention-inl.h"

HWY_BEFORE_NAMESPACE();
namespace tessera::kernels::HWY_NAMESPACE {
namespace window_attention {

// One thread's part of forward: heads of windows, one after another.
class Forward {
 public:
  Forward(const WindowAttentionForward& args, const WindowTable& table, const float* bias)
      : args_(args),
        in_(args.in),
        pairs_(PairsOf(in_)),
        at_(in_, table, bias),
        queries_(at_.places(), kQueryBlock),
        columns_(in_.d, at_.places()),
        k_(at_.places() * at_.width()),
        v_(at_.places() * at_.width()),
        q_(queries_.largest * at_.width()),
        scores_(queries_.largest * at_.stride()),
        y_(queries_.largest * at_.width()),
        keep_(pairs_, queries_.largest, at_.places()) {}

  void run(int64_t begin, int64_t end) {
    for (int64_t item = begin; item < end; ++item) {
      at_.select(item, end - 1);
      at_.gather(HeadOfWindow::kK, 0, at_.places(), 1.0f, k_.data());  // (M, d)
      at_.gather(HeadOfWindow::kV, 0, at_.places(), 1.0f, v_.data());  // (M, d)
      columns_.pack(k_.data(), at_.width(), at_.places());
      for (int64_t b = 0; b < queries_.count; ++b) block(item, queries_.begin(b), queries_.size(b));
    }
  }

 private:
  void block(int64_t item, int64_t first, int64_t rows) {
    const int64_t M = at_.places();
    at_.gather(HeadOfWindow::kQ, first, rows, in_.scale, q_.data());  // (rows, d)
    if (in_.dropout > 0) keep_.draw(at_.b(), at_.pairs_head(), first, rows, 0, M);
    columns_.multiply(rows, q_.data(), at_.width(), scores_.data(), at_.stride());  // (rows, M)
    for (int64_t r = 0; r < rows; ++r) {
      at_.look_ahead(first + r);
      softmax(item, first, r);
    }
    Multiply(rows, VecsOf(in_.d), M, scores_.data(), at_.stride(), v_.data(), at_.width(), y_.data(), at_.width(),
             false);  // (rows, d)
    const auto [base, row] = at_.rows_of(0, 1);
    for (int64_t r = 0; r < rows; ++r) {
      const int32_t token = at_.tokens()[first + r];
      if (token == WindowTable::kPadding) continue;
      const float* y = y_.data() + r * at_.width();
      const Vec factor = hn::Set(F(), factor_[r]);
      StoreOver(in_.d, args_.y + base + token * row, false,
                [&](auto load) HWY_ATTR { return hn::Mul(factor, load(y)); });
    }
    if (args_.p) explain(item, first, rows);
  }

  // Scores become exponentials that are still to be divided by their sum.
  HWY_INLINE void softmax(int64_t item, int64_t first, int64_t r) {
    float* row = scores_.data() + r * at_.stride();
    const float most = at_.add_bias(first + r, row);
    const auto kept = [&](int64_t j) { return keep_.at(r, j); };
    const int64_t vecs = VecsOf(at_.places());
    const float sum = in_.dropout > 0 ? attention::ExpRow<true>(row, vecs, most, kept)
                                      : attention::ExpRow<false>(row, vecs, most, kept);
    factor_[r] = 1.0f / (sum * (1.0f - in_.dropout));
    if (!args_.lse && !args_.p) return;
    lse_[r] = most + std::log(sum);
    if (args_.lse) args_.lse[item * at_.places() + first + r] = lse_[r];
  }

  void explain(int64_t item, int64_t first, int64_t rows) {
    const int64_t M = at_.places();
    columns_.multiply(rows, q_.data(), at_.width(), scores_.data(), at_.stride());  // (rows, M)
    for (int64_t r = 0; r < rows; ++r) {
      float* row = scores_.data() + r * at_.stride();
      at_.add_bias(first + r, row);
      const Vec lse = hn::Set(F(), lse_[r]);
      StoreOver(M, args_.p + (item * M + first + r) * M, false,
                [&](auto load) HWY_ATTR { return Exp(hn::Sub(load(row), lse)); });
    }
  }

  const WindowAttentionForward& args_;
  const WindowAttentionInputs& in_;
  const AttentionInputs pairs_;
  HeadOfWindow at_;
  const Blocks queries_;
  Columns columns_;  // of k
  const Floats k_, v_, q_, scores_, y_;
  Keep keep_;
  float factor_[kQueryBlock], lse_[kQueryBlock];  // of the rows of a block
};

}  // namespace window_attention

void RunWindowAttentionForward(const WindowAttentionForward& args, const WindowTable& table, const float* bias,
                               int64_t begin, int64_t end) {
  window_attention::Forward(args, table, bias).run(begin, end);
}

}  // namespace tessera::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tessera::kernels {

HWY_EXPORT(RunWindowAttentionForward);

void window_attention_forward(Context& context, const WindowAttentionForward& args) {
  const Measured measured(context, [&] { return work_of(args.in, "window attention", 2); });
  const WindowTable table(args.in.grid);
  const Floats bias = window_bias(args.in);
  parallel_for(args.in.B * args.in.grid.windows() * args.in.h, 1, [&](int64_t begin, int64_t end) {
    HWY_DYNAMIC_DISPATCH(RunWindowAttentionForward)(args, table, bias.data(), begin, end);
  });
}

}  // namespace tessera::kernels
#endif  // HWY_ONCE
