#include <algorithm>
#include <vector>

#include "tessera/core/parallel.h"
#include "tessera/kernels/attention.h"
#include "tessera/kernels/cpu/attention_bias.h"
#include "tessera/kernels/cpu/attention_work.h"
#include "tessera/kernels/cpu/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tessera/kernels/cpu/attention_backward.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "tessera/kernels/cpu/attention_scores-inl.h"

HWY_BEFORE_NAMESPACE();
namespace tessera::kernels::HWY_NAMESPACE {
namespace attention {

// One thread's part of backward: heads, one after another; picture by picture, because the heads of a token lie side by
// side. Only the gradient of a bias, a sum over pictures, is easier had head by head: it is written in place, except
// that of the head which an earlier part began, which goes to `unfinished` (Nq, Nk).
class Backward {
 public:
  Backward(const AttentionBackward& args, float* unfinished)
      : args_(args),
        in_(args.in),
        unfinished_(unfinished),
        queries_(in_.Nq, kQueryBlock),
        keys_(in_.Nk, kKeyBlock),
        width_(VecsOf(in_.d) * LaneCount()),
        stride_(StrideOf(keys_.largest)),
        want_scores_(args.dq.grad || args.dk.grad || args.dbias),
        delta_(in_.Nq),
        dq_(in_.Nq * width_),
        k_rows_(in_),
        v_rows_(in_),
        k_columns_(in_.d, keys_.largest),
        v_columns_(in_.d, keys_.largest),
        k_(keys_.largest * width_),
        dk_(keys_.largest * width_),
        dv_(keys_.largest * width_),
        q_(queries_.largest * width_),
        dy_(queries_.largest * width_),
        p_(queries_.largest * stride_),
        ds_(queries_.largest * stride_),
        fetcher_(in_.d),
        biases_(in_),
        keep_(in_, queries_.largest, keys_.largest) {}

  // item: a head of a picture.
  void run(int64_t begin, int64_t end) {
    for (int64_t item = begin; item < end; ++item) {
      b_ = picture(item);
      head_ = head(item);
      look_ahead(std::min(item + 1, end - 1));
      if (args_.dbias) {
        const bool whole = begin <= head_ * in_.B;  // this part began the head
        dbias_ = whole ? args_.dbias.data + head_ * in_.Nq * in_.Nk : unfinished_;
        add_dbias_ = (item > begin && b_ > 0) || (whole && args_.dbias.accumulate);
      }
      compute();
    }
  }

 private:
  int64_t picture(int64_t item) const { return args_.dbias ? item % in_.B : item / in_.h; }
  int64_t head(int64_t item) const { return args_.dbias ? item / in_.B : item % in_.h; }

  // Fetches the places of this head's results, and the next head.
  void look_ahead(int64_t next) {
    fetcher_.clear();
    const auto add = [&](const TokensGrad& out, int64_t n) {
      if (out.grad) fetcher_.add(out.grad.data + b_ * out.batch + head_ * in_.d, out.row, n);
    };
    add(args_.dk, in_.Nk);
    add(args_.dv, in_.Nk);
    add(args_.dq, in_.Nq);
    const int64_t b = picture(next), n = head(next);
    if (b == b_ && n == head_) return;
    fetcher_.add(TokensOf(in_.q, b, n, in_.d), in_.q.row, in_.Nq);
    fetcher_.add(TokensOf(in_.k, b, n, in_.d), in_.k.row, in_.Nk);
    fetcher_.add(TokensOf(in_.v, b, n, in_.d), in_.v.row, in_.Nk);
    fetcher_.add(args_.dy + (b * in_.Nq * in_.h + n) * in_.d, in_.h * in_.d, in_.Nq);
    fetcher_.add(args_.y + (b * in_.Nq * in_.h + n) * in_.d, in_.h * in_.d, in_.Nq);
  }

  void compute() {
    biases_.select(b_, head_);
    k_rows_.select(in_.k, b_, head_);
    v_rows_.select(in_.v, b_, head_);
    for (int64_t i = 0; i < in_.Nq; ++i) {
      const int64_t at = ((b_ * in_.Nq + i) * in_.h + head_) * in_.d;
      delta_.data()[i] = SumOver(in_.d, [&](auto load) { return hn::Mul(load(args_.dy + at), load(args_.y + at)); });
    }
    for (int64_t block = 0; block < keys_.count; ++block) {
      const int64_t j = keys_.begin(block), n = keys_.size(block);
      k_columns_.pack(k_rows_.at(j), k_rows_.row(), n);
      if (want_scores_) v_columns_.pack(v_rows_.at(j), v_rows_.row(), n);
      if (args_.dq.grad) PackRows(k_rows_.at(j), k_rows_.row(), n, in_.d, in_.scale, k_.data(), width_);  // (n, d)
      for (int64_t q = 0; q < queries_.count; ++q) blocks(queries_.begin(q), queries_.size(q), j, n);
      unpack(dk_, n, j, args_.dk);
      unpack(dv_, n, j, args_.dv);
    }
    unpack(dq_, in_.Nq, 0, args_.dq);
  }

  // What queries first … first + rows and keys j … j + n give each other.
  void blocks(int64_t first, int64_t rows, int64_t j, int64_t n) {
    const int64_t vecs = VecsOf(n), width = VecsOf(in_.d);
    if (in_.dropout > 0) keep_.draw(b_, head_, first, rows, j, n);
    PackRows(TokensOf(in_.q, b_, head_, in_.d) + first * in_.q.row, in_.q.row, rows, in_.d, in_.scale, q_.data(),
             width_);
    PackRows(args_.dy + ((b_ * in_.Nq + first) * in_.h + head_) * in_.d, in_.h * in_.d, rows, in_.d, 1.0f, dy_.data(),
             width_);
    k_columns_.multiply(rows, q_.data(), width_, p_.data(), stride_);                      // (rows, n)
    if (want_scores_) v_columns_.multiply(rows, dy_.data(), width_, ds_.data(), stride_);  // (rows, n)
    for (int64_t r = 0; r < rows; ++r) biases_.add(first + r, j, n, p_.data() + r * stride_);
    for (int64_t r = 0; r < rows; ++r) {
      if (j == 0) fetcher_.fetch(first + r);
      row(first, r, vecs);
      const float* ds = ds_.data() + r * stride_;
      if (dbias_) StoreOver(n, dbias_ + (first + r) * in_.Nk + j, add_dbias_, [&](auto load) { return load(ds); });
    }
    if (args_.dv.grad)  // (n, d)
      Multiply<true>(n, width, rows, p_.data(), stride_, dy_.data(), width_, dv_.data(), width_, first > 0);
    if (args_.dk.grad)  // (n, d)
      Multiply<true>(n, width, rows, ds_.data(), stride_, q_.data(), width_, dk_.data(), width_, first > 0);
    if (args_.dq.grad)  // (rows, d)
      Multiply(rows, width, n, ds_.data(), stride_, k_.data(), width_, dq_.data() + first * width_, width_, j > 0);
  }

  void row(int64_t first, int64_t r, int64_t vecs) {
    float* p = p_.data() + r * stride_;
    float* ds = ds_.data() + r * stride_;
    const float lse = args_.lse[(b_ * in_.h + head_) * in_.Nq + first + r], delta = delta_.data()[first + r];
    const float factor = 1.0f / (1.0f - in_.dropout);
    const auto kept = [&](int64_t j) { return keep_.at(r, j); };
    if (in_.dropout > 0) {
      BackRow<true>(p, ds, vecs, lse, delta, factor, kept);
    } else {
      BackRow<false>(p, ds, vecs, lse, delta, factor, kept);
    }
  }

  // Packed rows to the gradient of tokens j … j + n.
  void unpack(const Floats& rows, int64_t n, int64_t j, const TokensGrad& out) {
    if (!out.grad) return;
    for (int64_t i = 0; i < n; ++i) {
      const float* row = rows.data() + i * width_;
      StoreOver(in_.d, out.grad.data + b_ * out.batch + (j + i) * out.row + head_ * in_.d, out.grad.accumulate,
                [&](auto load) { return load(row); });
    }
  }

  const AttentionBackward& args_;
  const AttentionInputs& in_;
  float* const unfinished_;
  const Blocks queries_, keys_;
  const int64_t width_, stride_;  // of packed rows of d floats, and of rows of scores
  const bool want_scores_;        // the gradient of the scores
  const Floats delta_, dq_;       // of one head
  VisibleRows k_rows_, v_rows_;
  Columns k_columns_, v_columns_;  // of a block of keys
  const Floats k_, dk_, dv_;
  const Floats q_, dy_, p_, ds_;  // of a block of queries
  Fetcher fetcher_;
  Biases biases_;
  Keep keep_;
  int64_t b_ = 0, head_ = 0;
  float* dbias_ = nullptr;  // (Nq, Nk): where Σ ds of this head collects; null if nobody wants it
  bool add_dbias_ = false;
};

}  // namespace attention

void RunAttentionBackward(const AttentionBackward& args, float* unfinished, int64_t begin, int64_t end) {
  attention::Backward(args, unfinished).run(begin, end);
}

}  // namespace tessera::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tessera::kernels {

HWY_EXPORT(RunAttentionBackward);

namespace {

void backward_with_dense_bias(const AttentionBackward& args) {
  const AttentionInputs& in = args.in;
  const int64_t items = in.B * in.h, pairs = in.Nq * in.Nk;
  const int pieces = parallel_pieces(items, 1);
  const Floats unfinished(args.dbias && pieces > 1 ? pieces * pairs : 0);  // (pieces, Nq, Nk)
  std::vector<int64_t> begins(static_cast<size_t>(pieces));
  parallel_for_pieces(items, 1, [&](int piece, int64_t begin, int64_t end) {
    begins[static_cast<size_t>(piece)] = begin;
    HWY_DYNAMIC_DISPATCH(RunAttentionBackward)(args, unfinished.data() + piece * pairs, begin, end);
  });
  // In the order of the pieces, so the bits do not depend on timing.
  for (int64_t piece = 1; args.dbias && piece < pieces; ++piece) {
    const int64_t begin = begins[static_cast<size_t>(piece)];
    if (begin % in.B == 0) continue;  // the piece began its first head itself
    float* dbias = args.dbias.data + begin / in.B * pairs;
    for (int64_t t = 0; t < pairs; ++t) dbias[t] += unfinished.data()[piece * pairs + t];
  }
}

}  // namespace

void attention_backward(Context& context, const AttentionBackward& args) {
  const Measured measured(context, [&] { return work_of(args.in, "attention, backward", 5); });
  if (!args.in.bias_table) return backward_with_dense_bias(args);
  AttentionBackward dense = args;
  const Floats bias = bias_from_table(args.in);
  const Floats dbias(args.dbias_table ? args.in.h * args.in.Nq * args.in.Nk : 0);
  dense.in.bias = bias.data();
  if (args.dbias_table) dense.dbias = {dbias.data(), false};
  backward_with_dense_bias(dense);
  if (args.dbias_table) bias_to_table(args.in, dbias.data(), args.dbias_table);
}

}  // namespace tessera::kernels
#endif  // HWY_ONCE
