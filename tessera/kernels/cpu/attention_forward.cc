#include <algorithm>
#include <cmath>
#include <vector>

#include "tessera/core/parallel.h"
#include "tessera/kernels/attention.h"
#include "tessera/kernels/cpu/attention_bias.h"
#include "tessera/kernels/cpu/attention_s8.h"
#include "tessera/kernels/cpu/attention_work.h"
#include "tessera/kernels/cpu/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tessera/kernels/cpu/attention_forward.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "tessera/kernels/cpu/attention_scores-inl.h"

HWY_BEFORE_NAMESPACE();
namespace tessera::kernels::HWY_NAMESPACE {
namespace attention {

HWY_INLINE float RowMax(const float* row, int64_t vecs) {
  const F f;
  Vec most = hn::Load(f, row);
  for (int64_t v = 1; v < vecs; ++v) most = hn::Max(hn::Load(f, row + v * LaneCount()), most);
  return hn::GetLane(hn::MaxOfLanes(f, most));
}

// One thread's part of forward: blocks of queries, one after another.
class Forward {
 public:
  explicit Forward(const AttentionForward& args)
      : args_(args),
        in_(args.in),
        queries_(in_.Nq, kQueryBlock),
        keys_(in_.Nk, kKeyBlock),
        width_(VecsOf(in_.d) * LaneCount()),
        stride_(StrideOf(keys_.largest)),
        k_rows_(in_),
        v_rows_(in_),
        v_(in_.Nk * width_),
        q_(queries_.largest * width_),
        scores_(queries_.largest * stride_),
        y_(queries_.largest * width_),
        fetcher_(in_.d),
        biases_(in_),
        keep_(in_, queries_.largest, keys_.largest) {
    for (int64_t block = 0; block < keys_.count; ++block) k_.emplace_back(in_.d, keys_.largest);
  }

  // item: a block of queries of a head of a picture.
  void run(int64_t begin, int64_t end) {
    int64_t head = -1;
    for (int64_t item = begin; item < end; ++item) {
      if (item / queries_.count != head) {
        head = item / queries_.count;
        select(head);
        look_ahead(std::min(head + 1, (end - 1) / queries_.count));
      }
      block(queries_.begin(item % queries_.count), queries_.size(item % queries_.count));
    }
  }

 private:
  void select(int64_t item) {
    b_ = item / in_.h;
    head_ = item % in_.h;
    k_rows_.select(in_.k, b_, head_);
    v_rows_.select(in_.v, b_, head_);
    for (int64_t block = 0; block < keys_.count; ++block)
      k_[static_cast<size_t>(block)].pack(k_rows_.at(keys_.begin(block)), k_rows_.row(), keys_.size(block));
    PackRows(v_rows_.at(0), v_rows_.row(), in_.Nk, in_.d, 1.0f, v_.data(), width_);  // (Nk, d)
    biases_.select(b_, head_);
  }

  // Fetches the place of this head's result, and the next head.
  void look_ahead(int64_t next) {
    fetcher_.clear();
    fetcher_.add_forward(in_, args_.y, b_, head_, next / in_.h, next % in_.h);
  }

  // (rows, n): what a block of queries, packed in q_, has with a block of keys.
  void score(int64_t rows, int64_t block) {
    k_[static_cast<size_t>(block)].multiply(rows, q_.data(), width_, scores_.data(), stride_);
  }

  void block(int64_t first, int64_t rows) {
    const float* q = TokensOf(in_.q, b_, head_, in_.d) + first * in_.q.row;
    PackRows(q, in_.q.row, rows, in_.d, in_.scale, q_.data(), width_);
    std::fill_n(most_, rows, -kInfinity);
    std::fill_n(sum_, rows, 0.0f);
    for (int64_t block = 0; block < keys_.count; ++block) {
      const int64_t j = keys_.begin(block), n = keys_.size(block);
      if (in_.dropout > 0) keep_.draw(b_, head_, first, rows, j, n);
      score(rows, block);
      for (int64_t r = 0; r < rows; ++r) raise(first, r, j, n);
      for (int64_t r = 0; r < rows; ++r) {
        if (block == 0) fetcher_.fetch(first + r);
        exponentiate(r, n);
      }
      Multiply(rows, VecsOf(in_.d), n, scores_.data(), stride_, v_.data() + j * width_, width_, y_.data(), width_,
               block > 0);  // (rows, d)
    }
    for (int64_t r = 0; r < rows; ++r) finish(first, r);
    if (args_.p) explain(first, rows);
  }

  // The running softmax, first half: what was summed before is brought to the new largest score.
  void raise(int64_t first, int64_t r, int64_t j, int64_t n) {
    float* row = scores_.data() + r * stride_;
    biases_.add(first + r, j, n, row);
    const float before = most_[r];
    most_[r] = std::max(before, RowMax(row, VecsOf(n)));
    shift_[r] = most_[r] == -kInfinity ? 0.0f : most_[r];
    if (j == 0) return;
    const float factor = std::exp(before - shift_[r]);
    sum_[r] *= factor;
    float* y = y_.data() + r * width_;
    StoreOver(width_, y, false, [&](auto load) { return hn::Mul(hn::Set(F(), factor), load(y)); });
  }

  // Second half: scores become exponentials.
  void exponentiate(int64_t r, int64_t n) {
    float* row = scores_.data() + r * stride_;
    const auto kept = [&](int64_t t) { return keep_.at(r, t); };
    sum_[r] += in_.dropout > 0 ? ExpRow<true>(row, VecsOf(n), shift_[r], kept)
                               : ExpRow<false>(row, VecsOf(n), shift_[r], kept);
  }

  void finish(int64_t first, int64_t r) {
    const bool blind = sum_[r] == 0;  // no key may be seen
    const Vec factor = hn::Set(F(), blind ? 0.0f : 1.0f / (sum_[r] * (1.0f - in_.dropout)));
    const float* row = y_.data() + r * width_;
    float* y = args_.y + ((b_ * in_.Nq + first + r) * in_.h + head_) * in_.d;
    StoreOver(in_.d, y, false, [&](auto load) { return hn::Mul(factor, load(row)); });
    lse_[r] = blind ? kInfinity : most_[r] + std::log(sum_[r]);
    if (args_.lse) args_.lse[(b_ * in_.h + head_) * in_.Nq + first + r] = lse_[r];
  }

  void explain(int64_t first, int64_t rows) {
    for (int64_t block = 0; block < keys_.count; ++block) {
      const int64_t j = keys_.begin(block), n = keys_.size(block);
      score(rows, block);
      for (int64_t r = 0; r < rows; ++r) {
        float* row = scores_.data() + r * stride_;
        biases_.add(first + r, j, n, row);
        const Vec lse = hn::Set(F(), lse_[r]);
        float* p = args_.p + ((b_ * in_.h + head_) * in_.Nq + first + r) * in_.Nk + j;
        StoreOver(n, p, false, [&](auto load) { return Exp(hn::Sub(load(row), lse)); });
      }
    }
  }

  const AttentionForward& args_;
  const AttentionInputs& in_;
  const Blocks queries_, keys_;
  const int64_t width_, stride_;  // of packed rows of d floats, and of rows of scores
  VisibleRows k_rows_, v_rows_;   // of one head, and packed:
  const Floats v_;
  std::vector<Columns> k_;
  const Floats q_, scores_, y_;  // of one block of queries
  Fetcher fetcher_;
  Biases biases_;
  Keep keep_;
  // Of the rows of the block so far: the largest score, Σ exp(score - largest); in the end, log Σ exp(score).
  float most_[kQueryBlock], shift_[kQueryBlock], sum_[kQueryBlock], lse_[kQueryBlock];
  int64_t b_ = 0, head_ = 0;
};

}  // namespace attention

int64_t AttentionForwardItems(const AttentionInputs& in) {
  return in.B * in.h * attention::Blocks(in.Nq, attention::kQueryBlock).count;
}
void RunAttentionForward(const AttentionForward& args, int64_t begin, int64_t end) {
  attention::Forward(args).run(begin, end);
}

}  // namespace tessera::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tessera::kernels {

HWY_EXPORT(AttentionForwardItems);
HWY_EXPORT(RunAttentionForward);

void attention_forward(Context& context, const AttentionForward& args) {
  const Measured measured(context, [&] { return work_of(args.in, "attention", 2); });
  AttentionForward dense = args;
  const Floats bias = args.in.bias_table ? bias_from_table(args.in) : Floats(0);
  if (args.in.bias_table) dense.in.bias = bias.data();
  if (args.in.q.s8) return attention_s8_forward(dense);
  parallel_for(HWY_DYNAMIC_DISPATCH(AttentionForwardItems)(args.in), 1, [&](int64_t begin, int64_t end) {
    HWY_DYNAMIC_DISPATCH(RunAttentionForward)(dense, begin, end);
  });
}

}  // namespace tessera::kernels
#endif  // HWY_ONCE
