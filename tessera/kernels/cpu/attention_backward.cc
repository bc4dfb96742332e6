#include <algorithm>
#include <vector>

#include "tessera/core/parallel.h"
#include "tessera/kernels/attention.h"
#include "tessera/kernels/cpu/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tessera/kernels/cpu/attention_backward.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "tessera/kernels/cpu/attention_scores-inl.h"
#include "tessera/kernels/cpu/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace tessera::kernels::HWY_NAMESPACE {

// One thread's part of backward: heads, one after another. Gradients of biases are sums over pictures, which threads
// share: what of them this part may not write itself goes to
//   unfinished (Nq, Nk): dbias of the head that an earlier part began,
//   table_sums (h, T), zero at first: the gradient of the table.
class Backward {
 public:
  Backward(const AttentionBackward& args, float* unfinished, float* table_sums)
      : args_(args),
        in_(args.in),
        unfinished_(unfinished),
        table_sums_(table_sums),
        queries_(in_.Nq, kQueryBlock),
        keys_(in_.Nk, kKeyBlock),
        width_(VecsOf(in_.d) * LaneCount()),
        stride_(StrideOf(keys_.largest)),
        want_scores_(args.dq.grad || args.dk.grad || args.dbias || args.dbias_table),
        delta_(in_.Nq),
        dq_(in_.Nq * width_),
        kt_(in_.d * stride_),
        vt_(in_.d * stride_),
        k_(keys_.largest * width_),
        dk_(keys_.largest * width_),
        dv_(keys_.largest * width_),
        q_(queries_.largest * width_),
        dy_(queries_.largest * width_),
        p_(queries_.largest * stride_),
        ds_(queries_.largest * stride_),
        fetcher_(in_.d),
        biases_(in_),
        keep_(in_, keys_.largest) {}

  // item: head·B + picture, so that a head's bias gradient is finished before the next one's begins.
  void run(int64_t begin, int64_t end) {
    for (int64_t item = begin; item < end; ++item) {
      head_ = item % in_.h;
      b_ = item / in_.h;
      if (args_.dbias) {
        const bool unfinished = begin - head_ * in_.B > 0;
        dbias_ = unfinished ? unfinished_ : args_.dbias.data + head_ * in_.Nq * in_.Nk;
        add_dbias_ = unfinished ? item > begin : b_ > 0 || args_.dbias.accumulate;
      }
      look_ahead(std::min(item + 1, end - 1));
      head();
    }
  }

 private:
  // Fetches the places of this head's results, and the next head.
  void look_ahead(int64_t item) {
    fetcher_.clear();
    const auto add = [&](const TokensGrad& out, int64_t n) {
      if (out.grad) fetcher_.add(out.grad.data + b_ * out.batch + head_ * in_.d, out.row, n);
    };
    add(args_.dq, in_.Nq);
    add(args_.dk, in_.Nk);
    add(args_.dv, in_.Nk);
    const int64_t head = item % in_.h, b = item / in_.h;
    if (b == b_ && head == head_) return;
    fetcher_.add(TokensOf(in_.q, b, head, in_.d), in_.q.row, in_.Nq);
    fetcher_.add(TokensOf(in_.k, b, head, in_.d), in_.k.row, in_.Nk);
    fetcher_.add(TokensOf(in_.v, b, head, in_.d), in_.v.row, in_.Nk);
    fetcher_.add(args_.dy + (b * in_.Nq * in_.h + head) * in_.d, in_.h * in_.d, in_.Nq);
    fetcher_.add(args_.y + (b * in_.Nq * in_.h + head) * in_.d, in_.h * in_.d, in_.Nq);
  }

  void head() {
    biases_.select(b_, head_);
    for (int64_t i = 0; i < in_.Nq; ++i) {
      const int64_t at = ((b_ * in_.Nq + i) * in_.h + head_) * in_.d;
      delta_.data()[i] = SumOver(in_.d, [&](auto load) { return hn::Mul(load(args_.dy + at), load(args_.y + at)); });
    }
    for (int64_t block = 0; block < keys_.count; ++block) {
      const int64_t j = keys_.begin(block), n = keys_.size(block);
      const float* k = TokensOf(in_.k, b_, head_, in_.d) + j * in_.k.row;
      const float* v = TokensOf(in_.v, b_, head_, in_.d) + j * in_.v.row;
      PackTransposed(k, in_.k.row, n, in_.d, kt_.data(), stride_);                        // (d, n)
      if (want_scores_) PackTransposed(v, in_.v.row, n, in_.d, vt_.data(), stride_);      // (d, n)
      if (args_.dq.grad) PackRows(k, in_.k.row, n, in_.d, in_.scale, k_.data(), width_);  // (n, d)
      for (int64_t q = 0; q < queries_.count; ++q) blocks(queries_.begin(q), queries_.size(q), j, n);
      unpack(dk_, n, j, args_.dk);
      unpack(dv_, n, j, args_.dv);
    }
    unpack(dq_, in_.Nq, 0, args_.dq);
  }

  // What queries first … first + rows and keys j … j + n give each other.
  void blocks(int64_t first, int64_t rows, int64_t j, int64_t n) {
    const int64_t vecs = VecsOf(n), width = VecsOf(in_.d);
    PackRows(TokensOf(in_.q, b_, head_, in_.d) + first * in_.q.row, in_.q.row, rows, in_.d, in_.scale, q_.data(),
             width_);
    PackRows(args_.dy + ((b_ * in_.Nq + first) * in_.h + head_) * in_.d, in_.h * in_.d, rows, in_.d, 1.0f, dy_.data(),
             width_);
    Multiply(rows, vecs, in_.d, q_.data(), width_, kt_.data(), stride_, p_.data(), stride_, false);  // (rows, n)
    if (want_scores_)
      Multiply(rows, vecs, in_.d, dy_.data(), width_, vt_.data(), stride_, ds_.data(), stride_, false);  // (rows, n)
    for (int64_t r = 0; r < rows; ++r) {
      if (j == 0) fetcher_.fetch(first + r);
      biases_.add(first + r, j, n, p_.data() + r * stride_);
      if (in_.dropout > 0) {
        keep_.draw(b_, head_, first + r, j, n);
        row<true>(first, r, vecs);
      } else {
        row<false>(first, r, vecs);
      }
      if (args_.dbias || args_.dbias_table) add_to_bias(first + r, j, n, ds_.data() + r * stride_);
    }
    if (args_.dv.grad)  // (n, d)
      Multiply<true>(n, width, rows, p_.data(), stride_, dy_.data(), width_, dv_.data(), width_, first > 0);
    if (args_.dk.grad)  // (n, d)
      Multiply<true>(n, width, rows, ds_.data(), stride_, q_.data(), width_, dk_.data(), width_, first > 0);
    if (args_.dq.grad)  // (rows, d)
      Multiply(rows, width, n, ds_.data(), stride_, k_.data(), width_, dq_.data() + first * width_, width_, j > 0);
  }

  // Of a row of scores in p_ and of <dy, v> in ds_: m·p and ds.
  template <bool kDropout>
  void row(int64_t first, int64_t r, int64_t vecs) {
    const F f;
    float* p_row = p_.data() + r * stride_;
    float* ds_row = ds_.data() + r * stride_;
    const Vec lse = hn::Set(f, args_.lse[(b_ * in_.h + head_) * in_.Nq + first + r]);
    const Vec delta = hn::Set(f, delta_.data()[first + r]);
    const Vec kept = hn::Set(f, 1.0f / (1.0f - in_.dropout));
    for (int64_t j = 0; j < vecs * LaneCount(); j += LaneCount()) {
      const Vec p = Exp(hn::Sub(hn::Load(f, p_row + j), lse));
      Vec dp = hn::Load(f, ds_row + j);
      if constexpr (kDropout) {
        const Vec m = hn::IfThenElseZero(keep_.at(j), kept);
        dp = hn::Mul(dp, m);
        hn::Store(hn::Mul(p, m), f, p_row + j);
      } else {
        hn::Store(p, f, p_row + j);
      }
      hn::Store(hn::Mul(p, hn::Sub(dp, delta)), f, ds_row + j);
    }
  }

  void add_to_bias(int64_t i, int64_t j, int64_t n, const float* ds) {
    if (args_.dbias) StoreOver(n, dbias_ + i * in_.Nk + j, add_dbias_, [&](auto load) { return load(ds); });
    if (args_.dbias_table) {
      const int32_t* index = in_.bias_index + i * in_.Nk + j;
      float* column = table_sums_ + head_ * in_.T;
      for (int64_t t = 0; t < n; ++t) column[index[t]] += ds[t];
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
  float* const table_sums_;
  const Blocks queries_, keys_;
  const int64_t width_, stride_;        // of packed rows of d floats, and of rows of scores
  const bool want_scores_;              // the gradient of the scores
  const Floats delta_, dq_;             // of one head
  const Floats kt_, vt_, k_, dk_, dv_;  // of a block of keys; kt_ and vt_ transposed
  const Floats q_, dy_, p_, ds_;        // of a block of queries
  Fetcher fetcher_;
  Biases biases_;
  Keep keep_;
  int64_t b_ = 0, head_ = 0;
  float* dbias_ = nullptr;  // (Nq, Nk) of this head
  bool add_dbias_ = false;
};

void BackwardItems(const AttentionBackward& args, float* unfinished, float* table_sums, int64_t begin, int64_t end) {
  Backward(args, unfinished, table_sums).run(begin, end);
}

}  // namespace tessera::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tessera::kernels {

HWY_EXPORT(BackwardItems);

void attention_backward(Context&, const AttentionBackward& args) {
  const AttentionInputs& in = args.in;
  const int64_t items = in.B * in.h, pairs = in.Nq * in.Nk, entries = in.h * in.T;
  const int pieces = parallel_pieces(items, 1);
  const auto memory_of_pieces = [&](bool wanted, int64_t n) {
    return allocate(wanted ? static_cast<size_t>(pieces * n) * sizeof(float) : 0);
  };
  const auto unfinished_memory = memory_of_pieces(bool(args.dbias) && pieces > 1, pairs);
  const auto table_memory = memory_of_pieces(bool(args.dbias_table), entries);
  float* unfinished = reinterpret_cast<float*>(unfinished_memory.get());
  float* table_sums = reinterpret_cast<float*>(table_memory.get());
  std::vector<int64_t> begins(static_cast<size_t>(pieces));
  parallel_for_pieces(items, 1, [&](int piece, int64_t begin, int64_t end) {
    begins[static_cast<size_t>(piece)] = begin;
    if (args.dbias_table) std::fill_n(table_sums + piece * entries, entries, 0.0f);
    HWY_DYNAMIC_DISPATCH(BackwardItems)(args, unfinished + piece * pairs, table_sums + piece * entries, begin, end);
  });
  // The pieces' sums are added in order, so the bits do not depend on timing.
  for (int64_t piece = 1; args.dbias && piece < pieces; ++piece) {
    const int64_t begin = begins[static_cast<size_t>(piece)];
    if (begin % in.B == 0) continue;  // began a head itself
    float* dbias = args.dbias.data + begin / in.B * pairs;
    for (int64_t t = 0; t < pairs; ++t) dbias[t] += unfinished[piece * pairs + t];
  }
  for (int64_t t = 0; args.dbias_table && t < in.T; ++t) {
    for (int64_t head = 0; head < in.h; ++head) {
      float& sum = args.dbias_table.data[t * in.h + head];
      if (!args.dbias_table.accumulate) sum = 0;
      for (int64_t piece = 0; piece < pieces; ++piece) sum += table_sums[piece * entries + head * in.T + t];
    }
  }
}

}  // namespace tessera::kernels
#endif  // HWY_ONCE
