// Attention of whole numbers. Its left operands are without a sign: q + 128, and the probabilities as they are, each
// times the scale of its value, so that the values go into the product as they lie there.
#include "tessera/kernels/cpu/attention_s8.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "tessera/core/error.h"
#include "tessera/core/parallel.h"
#include "tessera/kernels/cpu/targets.h"
#include "tessera/kernels/linear_s8.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tessera/kernels/cpu/attention_s8.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "tessera/kernels/cpu/attention_scores-inl.h"
#include "tessera/kernels/cpu/quantize-inl.h"
#include "tessera/kernels/cpu/tiles_s8-inl.h"

HWY_BEFORE_NAMESPACE();
namespace tessera::kernels::HWY_NAMESPACE {

#if TESSERA_S8_TILES

namespace attention {

constexpr float kMostShare = 255;

// 255·e^x for x <= 0, to 1e-4 of itself: what is rounded to whole numbers needs no more. See Exp.
HWY_INLINE Vec Share(Vec x) {
  const F f;
  const I i;
  const Vec rounder = hn::Set(f, 12582912.0f);
  const Vec bounded = hn::Max(x, hn::Set(f, -80.0f));
  const Vec whole = hn::MulAdd(bounded, hn::Set(f, 1.44269504f), rounder);
  const Vec r = hn::NegMulAdd(hn::Sub(whole, rounder), hn::Set(f, 0.69314718f), bounded);
  Vec power = hn::MulAdd(r, hn::Set(f, kMostShare / 6), hn::Set(f, kMostShare / 2));
  power = hn::MulAdd(r, power, hn::Set(f, kMostShare));
  power = hn::MulAdd(r, power, hn::Set(f, kMostShare));
  return hn::BitCast(f, hn::Add(hn::BitCast(i, power), hn::ShiftLeft<23>(hn::BitCast(i, whole))));
}

// The scale of token i of the head at TokensOf(x, …).
inline const float* ScalesOf(const Tokens& x, int64_t b, int64_t head, int64_t d) {
  return x.scale + b * x.batch / d + head;
}
inline const int8_t* WholeTokensOf(const Tokens& x, int64_t b, int64_t head, int64_t d) {
  return x.s8 + b * x.batch + head * d;
}

// One thread's part: blocks of queries, one after another.
class Whole {
 public:
  explicit Whole(const AttentionForward& args)
      : args_(args),
        in_(args.in),
        queries_(in_.Nq, kQueryBlock),
        depth_(CeilDiv(in_.d, 4)),
        row_(4 * depth_),
        keys_(VecsOf(in_.Nk) * LaneCount()),
        keys_stride_(StrideOf(in_.Nk)),
        width_(VecsOf(in_.d) * LaneCount()),
        rows_(in_.Nk * row_),
        k_(depth_ * keys_stride_),
        k_start_(keys_),
        k_scale_(keys_),
        v_(CeilDiv(in_.Nk, 4) * width_),
        v_log_scale_(keys_),
        v_inverse_scale_(keys_),
        q_(queries_.largest * row_),
        scores_(queries_.largest * keys_stride_),
        p_(queries_.largest * keys_stride_),
        y_(queries_.largest * width_),
        fetcher_(in_.d),
        biases_(in_) {}

  // item: a block of queries of a head of a picture.
  void run(int64_t begin, int64_t end) {
    int64_t head = -1;
    for (int64_t item = begin; item < end; ++item) {
      if (item / queries_.count != head) {
        select(head = item / queries_.count);
        fetch_later(std::min(head + 1, (end - 1) / queries_.count));
      }
      block(queries_.begin(item % queries_.count), queries_.size(item % queries_.count));
    }
  }

 private:
  void select(int64_t item) {
    b_ = item / in_.h;
    head_ = item % in_.h;
    poison_ = 0;
    pack_keys();
    pack_values();
    biases_.select(b_, head_);
  }

  void fetch_later(int64_t next) {
    fetcher_.clear();
    fetcher_.add(args_.y + (b_ * in_.Nq * in_.h + head_) * in_.d, in_.h * in_.d, in_.Nq);
    const int64_t b = next / in_.h, n = next % in_.h;
    if (b == b_ && n == head_) return;
    fetcher_.add(WholeTokensOf(in_.q, b, n, in_.d), in_.q.row, in_.Nq);
    fetcher_.add(WholeTokensOf(in_.k, b, n, in_.d), in_.k.row, in_.Nk);
    fetcher_.add(WholeTokensOf(in_.v, b, n, in_.d), in_.v.row, in_.Nk);
  }

  // From every query: nothing of the key may reach a result, nor of its value.
  bool hidden(int64_t j) const { return in_.key_mask && !in_.key_mask[b_ * in_.Nk + j]; }

  void pack_keys() {
    const int8_t* x = WholeTokensOf(in_.k, b_, head_, in_.d);
    const float* scale = ScalesOf(in_.k, b_, head_, in_.d);
    for (int64_t j = 0; j < in_.Nk; ++j) {
      int8_t* row = rows_.data() + j * row_;
      std::copy_n(x + j * in_.k.row, in_.d, row);
      std::fill(row + in_.d, row + row_, int8_t{0});
      k_start_.data()[j] = StartOf(row, in_.d);
      k_scale_.data()[j] = hidden(j) ? 0 : scale[j * in_.k.row / in_.d];
      poison_ += 0 * k_scale_.data()[j];
    }
    std::fill(k_scale_.data() + in_.Nk, k_scale_.data() + keys_, 0.0f);
    std::fill(k_start_.data() + in_.Nk, k_start_.data() + keys_, 0);
    // Four bytes of a key move like a float.
    PackTransposed(reinterpret_cast<const float*>(rows_.data()), depth_, in_.Nk, depth_,
                   reinterpret_cast<float*>(k_.data()), keys_stride_);  // (d/4, Nk)
  }

  void pack_values() {
    const float* scale = ScalesOf(in_.v, b_, head_, in_.d);
    const auto scale_of = [&](int64_t j) { return scale[j * in_.v.row / in_.d]; };
    float most = 0;
    for (int64_t j = 0; j < in_.Nk; ++j) most = std::max(most, hidden(j) ? 0 : scale_of(j));
    for (int64_t j = 0; j < keys_; ++j) {
      if (j >= in_.Nk || hidden(j)) {
        v_log_scale_.data()[j] = -kInfinity;
        v_inverse_scale_.data()[j] = 0;
        continue;
      }
      // A value of zeros may have any scale.
      const float s = scale_of(j) != 0 ? scale_of(j) : most > 0 ? most : 1;
      v_log_scale_.data()[j] = std::log(s);
      v_inverse_scale_.data()[j] = 1 / s;
      poison_ += 0 * s;
    }
    interleave_values();
  }

  // Four keys of a column lie in a lane.
  void interleave_values() {
    const I i;
    const hn::Rebind<uint8_t, I> bytes;
    const hn::RebindToUnsigned<I> words;
    const int64_t lanes = LaneCount();
    const int8_t* x = WholeTokensOf(in_.v, b_, head_, in_.d);
    const int64_t row = CeilDiv(in_.d, 64) * 64;  // width_ and more
    const Scratch<uint8_t> four(4 * row);
    std::fill_n(four.data(), 4 * row, uint8_t{0});
    for (int64_t j = 0; j < in_.Nk; j += 4) {
      for (int64_t t = 0; t < 4; ++t) {
        if (j + t < in_.Nk)
          std::memcpy(four.data() + t * row, x + (j + t) * in_.v.row, static_cast<size_t>(in_.d));
        else
          std::fill_n(four.data() + t * row, in_.d, uint8_t{0});
      }
      for (int64_t c = 0; c < width_; c += lanes) {
        const auto byte = [&](int64_t t) { return hn::PromoteTo(words, hn::LoadU(bytes, four.data() + t * row + c)); };
        const auto low = hn::Or(byte(0), hn::ShiftLeft<8>(byte(1)));
        const auto high = hn::Or(hn::ShiftLeft<16>(byte(2)), hn::ShiftLeft<24>(byte(3)));
        hn::Store(hn::BitCast(i, hn::Or(low, high)), i, v_.data() + j / 4 * width_ + c);
      }
    }
  }

  void block(int64_t first, int64_t rows) {
    const int8_t* x = WholeTokensOf(in_.q, b_, head_, in_.d) + first * in_.q.row;
    const float* scale = ScalesOf(in_.q, b_, head_, in_.d);
    for (int64_t r = 0; r < rows; ++r) {
      uint8_t* q = q_.data() + r * row_;
      q_scale_[r] = in_.scale * scale[(first + r) * in_.q.row / in_.d];
      RemoveSign(x + r * in_.q.row, in_.d, q);
      std::fill(q + in_.d, q + row_, uint8_t{0});  // against zeros of k
    }
    MultiplyS8(rows, keys_ / LaneCount(), depth_, q_.data(), row_, k_.data(), keys_stride_, k_start_.data(),
               reinterpret_cast<int32_t*>(scores_.data()), keys_stride_);  // (rows, Nk)
    for (int64_t r = 0; r < rows; ++r) {
      fetcher_.fetch(first + r);
      softmax(first, r);
    }
    MultiplyS8(rows, VecsOf(in_.d), CeilDiv(in_.Nk, 4), p_.data(), keys_stride_, v_.data(), width_, nullptr,
               reinterpret_cast<int32_t*>(y_.data()), width_);  // (rows, d)
    for (int64_t r = 0; r < rows; ++r) finish(first, r);
  }

  // Sums of products become scores plus log scale_j, those whole shares of 255; their sum is taken before rounding, so
  // that a key with a small value keeps its weight.
  void softmax(int64_t first, int64_t r) {
    const F f;
    const I i;
    const hn::Rebind<uint8_t, F> bytes;
    const int64_t lanes = LaneCount();
    float* row = scores_.data() + r * keys_stride_;
    const Vec q_scale = hn::Set(f, q_scale_[r]);
    const float poison = poison_ + 0 * q_scale_[r];
    Vec largest = hn::Set(f, -kInfinity);
    for (int64_t j = 0; j < keys_; j += lanes) {
      const Vec sum = hn::ConvertTo(f, hn::BitCast(i, hn::Load(f, row + j)));
      const Vec scale = hn::Mul(q_scale, hn::Load(f, k_scale_.data() + j));
      const Vec score = hn::MulAdd(sum, scale, hn::Load(f, v_log_scale_.data() + j));
      hn::Store(score, f, row + j);
      largest = hn::Max(largest, score);
    }
    if (biases_.any()) {
      biases_.add(first + r, 0, in_.Nk, row);
      largest = hn::Set(f, MaxOver(in_.Nk, row));
    }
    const float most = hn::GetLane(hn::MaxOfLanes(f, largest));
    uint8_t* p = p_.data() + r * keys_stride_;
    if (most == -kInfinity) {  // no key may be seen
      std::fill_n(p, keys_, uint8_t{0});
      share_[r] = poison;
      return;
    }
    const Vec shift = hn::Set(f, most);
    Vec sum = hn::Zero(f);
    for (int64_t j = 0; j < keys_; j += lanes) {
      const Vec share = Share(hn::Sub(hn::Load(f, row + j), shift));
      sum = hn::MulAdd(share, hn::Load(f, v_inverse_scale_.data() + j), sum);
      hn::StoreU(RoundedBytes(share, hn::Set(f, 1)), bytes, p + j);
    }
    share_[r] = 1.0f / hn::GetLane(hn::SumOfLanes(f, sum)) + poison;
  }

  void finish(int64_t first, int64_t r) {
    const F f;
    const I i;
    const float* row = y_.data() + r * width_;
    const Vec share = hn::Set(f, share_[r]);
    float* y = args_.y + ((b_ * in_.Nq + first + r) * in_.h + head_) * in_.d;
    StoreOver(in_.d, y, false, [&](auto load) { return hn::Mul(hn::ConvertTo(f, hn::BitCast(i, load(row))), share); });
  }

  const AttentionForward& args_;
  const AttentionInputs& in_;
  const Blocks queries_;
  const int64_t depth_, row_;                   // d/4 and d, rounded up to whole words
  const int64_t keys_, keys_stride_;            // Nk rounded up to whole vectors; the distance of rows of keys
  const int64_t width_;                         // d rounded up to whole vectors
  const Scratch<int8_t> rows_;                  // (Nk, d)
  const Scratch<int32_t> k_, k_start_;          // (d/4, Nk) of four dimensions each; -128·Σ k
  const Floats k_scale_;                        // (Nk)
  const Scratch<int32_t> v_;                    // (Nk/4, d) of four keys each
  const Floats v_log_scale_, v_inverse_scale_;  // (Nk)
  const Scratch<uint8_t> q_;                    // (queries, d)
  const Floats scores_;                         // (queries, Nk)
  const Scratch<uint8_t> p_;                    // (queries, Nk)
  const Floats y_;                              // (queries, d)
  Fetcher fetcher_;
  Biases biases_;
  float q_scale_[kQueryBlock], share_[kQueryBlock];
  float poison_ = 0;  // NaN where a scale is NaN or infinity: comparisons overlook it
  int64_t b_ = 0, head_ = 0;
};

}  // namespace attention

int64_t AttentionS8Items(const AttentionInputs& in) {
  return in.B * in.h * attention::Blocks(in.Nq, attention::kQueryBlock).count;
}
void RunAttentionS8(const AttentionForward& args, int64_t begin, int64_t end) {
  attention::Whole(args).run(begin, end);
}

#else

int64_t AttentionS8Items(const AttentionInputs&) { return 0; }
void RunAttentionS8(const AttentionForward&, int64_t, int64_t) {}

#endif

}  // namespace tessera::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tessera::kernels {

HWY_EXPORT(AttentionS8Items);
HWY_EXPORT(RunAttentionS8);

void attention_s8_forward(const AttentionForward& args) {
  const AttentionInputs& in = args.in;
  TESSERA_CHECK(in.k.s8 && in.v.s8 && !args.lse && !args.p && in.dropout == 0 && has_s8_products(),
                "attention: quantised tokens are for inference, on a machine with products of whole numbers");
  parallel_for(HWY_DYNAMIC_DISPATCH(AttentionS8Items)(in), 1, [&](int64_t begin, int64_t end) {
    HWY_DYNAMIC_DISPATCH(RunAttentionS8)(args, begin, end);
  });
}

}  // namespace tessera::kernels
#endif  // HWY_ONCE
