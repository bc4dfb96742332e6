#include <algorithm>

#include "tessera/core/parallel.h"
#include "tessera/kernels/cpu/attention_work.h"
#include "tessera/kernels/cpu/loops.h"
#include "tessera/kernels/cpu/targets.h"
#include "tessera/kernels/cpu/window_bias.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tessera/kernels/cpu/window_attention_backward.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "tessera/kernels/cpu/window_attention-inl.h"

HWY_BEFORE_NAMESPACE();
namespace tessera::kernels::HWY_NAMESPACE {
namespace window_attention {

// One thread's part of backward: heads of windows, one after another. dbias (h, M, bias stride) and dpadding (3·h·d)
// are this thread's sums, zeros at first; null if nobody wants them.
class Backward {
 public:
  Backward(const WindowAttentionBackward& args, const WindowTable& table, const float* bias, float* dbias,
           float* dpadding)
      : args_(args),
        in_(args.in),
        pairs_(PairsOf(in_)),
        at_(in_, table, bias),
        queries_(at_.places(), kQueryBlock),
        dbias_(dbias),
        dpadding_(dpadding),
        bias_stride_(window_bias_stride(in_.grid)),
        k_columns_(in_.d, at_.places()),
        v_columns_(in_.d, at_.places()),
        k_(at_.places() * at_.width()),
        v_(at_.places() * at_.width()),
        dk_(at_.places() * at_.width()),
        dv_(at_.places() * at_.width()),
        q_(queries_.largest * at_.width()),
        y_(queries_.largest * at_.width()),
        dy_(queries_.largest * at_.width()),
        dq_(queries_.largest * at_.width()),
        p_(queries_.largest * at_.stride()),
        ds_(queries_.largest * at_.stride()),
        keep_(pairs_, queries_.largest, at_.places()) {}

  void run(int64_t begin, int64_t end) {
    const int64_t M = at_.places();
    for (int64_t item = begin; item < end; ++item) {
      at_.select(item, end - 1);
      at_.gather(HeadOfWindow::kK, 0, M, 1.0f, k_.data());  // (M, d)
      at_.gather(HeadOfWindow::kV, 0, M, 1.0f, v_.data());  // (M, d)
      k_columns_.pack(k_.data(), at_.width(), M);
      v_columns_.pack(v_.data(), at_.width(), M);
      for (int64_t b = 0; b < queries_.count; ++b) block(item, queries_.begin(b), queries_.size(b));
      scatter(dk_, HeadOfWindow::kK, 0, M, 1.0f);
      scatter(dv_, HeadOfWindow::kV, 0, M, 1.0f);
    }
  }

 private:
  void block(int64_t item, int64_t first, int64_t rows) {
    const int64_t M = at_.places(), width = at_.width(), vecs = VecsOf(in_.d);
    at_.gather(HeadOfWindow::kQ, first, rows, in_.scale, q_.data());     // (rows, d)
    at_.gather(args_.dy, nullptr, 0, 1, first, rows, 1.0f, dy_.data());  // (rows, d)
    at_.gather(args_.y, nullptr, 0, 1, first, rows, 1.0f, y_.data());    // (rows, d)
    if (in_.dropout > 0) keep_.draw(at_.b(), at_.pairs_head(), first, rows, 0, M);
    k_columns_.multiply(rows, q_.data(), width, p_.data(), at_.stride());    // (rows, M)
    v_columns_.multiply(rows, dy_.data(), width, ds_.data(), at_.stride());  // (rows, M)
    for (int64_t r = 0; r < rows; ++r) {
      at_.look_ahead(first + r);
      row(item, first, r);
    }
    Multiply<true>(M, vecs, rows, p_.data(), at_.stride(), dy_.data(), width, dv_.data(), width, first > 0);  // (M, d)
    Multiply<true>(M, vecs, rows, ds_.data(), at_.stride(), q_.data(), width, dk_.data(), width, first > 0);  // (M, d)
    Multiply(rows, vecs, M, ds_.data(), at_.stride(), k_.data(), width, dq_.data(), width, false);  // (rows, d)
    scatter(dq_, HeadOfWindow::kQ, first, rows, in_.scale);
  }

  // Of a row of scores in p_ and of <dy, v> in ds_: m·p and ds, which also goes to the gradient of the bias.
  HWY_INLINE void row(int64_t item, int64_t first, int64_t r) {
    const int64_t M = at_.places(), vecs = VecsOf(M), i = first + r;
    float *p = p_.data() + r * at_.stride(), *ds = ds_.data() + r * at_.stride();
    const float *y = y_.data() + r * at_.width(), *dy = dy_.data() + r * at_.width();
    at_.add_bias(i, p);
    const float delta = SumOver(at_.width(), [&](auto load) HWY_ATTR { return hn::Mul(load(dy), load(y)); });
    const float lse = args_.lse[item * M + i], factor = 1.0f / (1.0f - in_.dropout);
    const auto kept = [&](int64_t j) { return keep_.at(r, j); };
    if (in_.dropout > 0) {
      attention::BackRow<true>(p, ds, vecs, lse, delta, factor, kept);
    } else {
      attention::BackRow<false>(p, ds, vecs, lse, delta, factor, kept);
    }
    if (!dbias_) return;
    float* dbias = dbias_ + (at_.head() * M + i) * bias_stride_;
    const F f;
    for (int64_t j = 0; j < vecs * LaneCount(); j += LaneCount())
      hn::Store(hn::Add(hn::Load(f, dbias + j), hn::Load(f, ds + j)), f, dbias + j);
  }

  // factor·rows to the gradient of the places first … first + n.
  void scatter(const Floats& rows, HeadOfWindow::Which part, int64_t first, int64_t n, float factor) const {
    const Vec scale = hn::Set(F(), factor);
    const auto [base, row] = at_.rows_of(part, 3);
    for (int64_t i = 0; i < n; ++i) {
      const float* from = rows.data() + i * at_.width();
      const int32_t token = at_.tokens()[first + i];
      const bool padding = token == WindowTable::kPadding;
      if (padding ? !dpadding_ : !args_.dqkv) continue;
      float* to = padding ? dpadding_ + at_.padding_offset(part) : args_.dqkv.data + base + token * row;
      StoreOver(in_.d, to, padding || args_.dqkv.accumulate,
                [&](auto load) HWY_ATTR { return hn::Mul(load(from), scale); });
    }
  }

  const WindowAttentionBackward& args_;
  const WindowAttentionInputs& in_;
  const AttentionInputs pairs_;
  HeadOfWindow at_;
  const Blocks queries_;
  float *const dbias_, *const dpadding_;
  const int64_t bias_stride_;
  Columns k_columns_, v_columns_;
  const Floats k_, v_, dk_, dv_;           // of the window
  const Floats q_, y_, dy_, dq_, p_, ds_;  // of a block of queries
  Keep keep_;
};

}  // namespace window_attention

void RunWindowAttentionBackward(const WindowAttentionBackward& args, const WindowTable& table, const float* bias,
                                float* dbias, float* dpadding, int64_t begin, int64_t end) {
  window_attention::Backward(args, table, bias, dbias, dpadding).run(begin, end);
}

}  // namespace tessera::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tessera::kernels {

HWY_EXPORT(RunWindowAttentionBackward);

void window_attention_backward(Context& context, const WindowAttentionBackward& args) {
  const WindowAttentionInputs& in = args.in;
  const Measured measured(context, [&] { return work_of(in, "window attention, backward", 5); });
  const WindowTable table(in.grid);
  const Floats bias = window_bias(in);
  const int64_t items = in.B * in.grid.windows() * in.h;
  const int pieces = parallel_pieces(items, 1);
  const int64_t biases = args.dbias_table ? in.h * in.grid.places() * window_bias_stride(in.grid) : 0;
  const Floats dbias(pieces * biases);  // (pieces, h, M, stride)
  PartialSums dpadding(args.dpadding, 3 * in.h * in.d, pieces);
  parallel_for_pieces(items, 1, [&](int piece, int64_t begin, int64_t end) {
    float* own = biases ? dbias.data() + piece * biases : nullptr;
    if (own) std::fill_n(own, biases, 0.0f);
    HWY_DYNAMIC_DISPATCH(RunWindowAttentionBackward)(args, table, bias.data(), own, dpadding.of(piece), begin, end);
  });
  if (args.dbias_table) window_bias_to_table(in, dbias.data(), pieces, args.dbias_table);
  dpadding.gather();
}

}  // namespace tessera::kernels
#endif  // HWY_ONCE
