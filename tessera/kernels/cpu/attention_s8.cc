// Attention with products of whole numbers, four to a lane: 4x the multiply-adds of floats. The instruction takes one
// operand without a sign, q + 128 here, and the probabilities as they are.
#include "tessera/kernels/cpu/attention_s8.h"

#include <algorithm>
#include <cstring>

#include "tessera/core/parallel.h"
#include "tessera/kernels/cpu/targets.h"
#include "tessera/kernels/matmul.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tessera/kernels/cpu/attention_s8.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "tessera/kernels/cpu/attention_scores-inl.h"
#include "tessera/kernels/cpu/quantize-inl.h"

HWY_BEFORE_NAMESPACE();
namespace tessera::kernels::HWY_NAMESPACE {

#if HWY_TARGET == HWY_AVX3

namespace attention {

using I = hn::ScalableTag<int32_t>;
using Words = hn::Vec<I>;

constexpr float kMostShare = 255;

// sum + Σ of the four products in each lane; a without a sign, b with one. Written down, since Highway 1.0 does not
// know the instruction, and no target of its asks the compiler for it.
HWY_INLINE Words Dot(Words sum, Words a, Words b) {
  asm("vpdpbusd %2, %1, %0" : "+v"(sum.raw) : "v"(a.raw), "v"(b.raw));
  return sum;
}

// c[r, v] = start[v] + Σ_k <a[r, 4k … 4k+3], b[k, v]>: bytes of a without a sign, of b with one, four to a lane.
template <int kRows, int kVecs>
void TileS8(const uint8_t* a, int64_t lda, const int32_t* b, int64_t ldb, int64_t depth, const int32_t* start,
            int32_t* c, int64_t ldc) {
  const I i;
  const int64_t lanes = LaneCount();
  Words sums[kRows][kVecs];
  for (int v = 0; v < kVecs; ++v) {
    const Words first = start ? hn::Load(i, start + v * lanes) : hn::Zero(i);
    for (int r = 0; r < kRows; ++r) sums[r][v] = first;
  }
  for (int64_t k = 0; k < depth; ++k) {
    Words row[kVecs];
    for (int v = 0; v < kVecs; ++v) row[v] = hn::Load(i, b + k * ldb + v * lanes);
    for (int r = 0; r < kRows; ++r) {
      int32_t four;
      std::memcpy(&four, a + r * lda + 4 * k, 4);
      const Words factor = hn::Set(i, four);
      for (int v = 0; v < kVecs; ++v) sums[r][v] = Dot(sums[r][v], factor, row[v]);
    }
  }
  for (int r = 0; r < kRows; ++r)
    for (int v = 0; v < kVecs; ++v) hn::Store(sums[r][v], i, c + r * ldc + v * lanes);
}

using TileS8Function = void (*)(const uint8_t*, int64_t, const int32_t*, int64_t, int64_t, const int32_t*, int32_t*,
                                int64_t);

template <int... kShape>
constexpr std::array<TileS8Function, sizeof...(kShape)> S8TilesOfAllShapes(std::integer_sequence<int, kShape...>) {
  return {TileS8<kShape / kTileVecs + 1, kShape % kTileVecs + 1>...};
}

// c (rows, vecs) = start + a (rows, 4·depth) · b (depth, vecs), split evenly as in Multiply.
void MultiplyS8(int64_t rows, int64_t vecs, int64_t depth, const uint8_t* a, int64_t lda, const int32_t* b, int64_t ldb,
                const int32_t* start, int32_t* c, int64_t ldc) {
  static constexpr auto kTiles = S8TilesOfAllShapes(std::make_integer_sequence<int, kTileRows * kTileVecs>());
  const int64_t lanes = LaneCount(), panels = CeilDiv(vecs, kTileVecs), strips = CeilDiv(rows, kTileRows);
  for (int64_t panel = 0; panel < panels; ++panel) {
    const int64_t v = vecs * panel / panels, width = vecs * (panel + 1) / panels - v;
    for (int64_t strip = 0; strip < strips; ++strip) {
      const int64_t r = rows * strip / strips, height = rows * (strip + 1) / strips - r;
      kTiles[static_cast<size_t>((height - 1) * kTileVecs + width - 1)](a + r * lda, lda, b + v * lanes, ldb, depth,
                                                                        start ? start + v * lanes : nullptr,
                                                                        c + r * ldc + v * lanes, ldc);
    }
  }
}

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
        k_rows_(in_.Nk * row_),
        k_(depth_ * keys_stride_),
        k_start_(keys_),
        k_scale_(keys_),
        v_(CeilDiv(in_.Nk, 4) * width_),
        v_scale_(width_),
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
        const int64_t next = std::min(head + 1, (end - 1) / queries_.count);
        fetcher_.clear();
        fetcher_.add_forward(in_, args_.y, b_, head_, next / in_.h, next % in_.h);
      }
      block(queries_.begin(item % queries_.count), queries_.size(item % queries_.count));
    }
  }

 private:
  void select(int64_t item) {
    b_ = item / in_.h;
    head_ = item % in_.h;
    pack_keys();
    pack_values();
    biases_.select(b_, head_);
  }

  void pack_keys() {
    const float* x = TokensOf(in_.k, b_, head_, in_.d);
    int8_t* rows = k_rows_.data();
    if (row_ != in_.d) std::fill_n(rows, in_.Nk * row_, int8_t{0});
    poison_ = 0;
    for (int64_t j = 0; j < in_.Nk; ++j) {
      int8_t* q = rows + j * row_;
      k_scale_.data()[j] = QuantizeRow(x + j * in_.k.row, in_.d, q);
      poison_ += 0 * k_scale_.data()[j];
      int32_t sum = 0;
      for (int64_t c = 0; c < in_.d; ++c) sum += q[c];
      k_start_.data()[j] = -128 * sum;
    }
    for (int64_t j = in_.Nk; j < keys_; ++j) {
      k_scale_.data()[j] = 0;
      k_start_.data()[j] = 0;
    }
    // Four bytes of a key move like a float.
    PackTransposed(reinterpret_cast<const float*>(rows), depth_, in_.Nk, depth_, reinterpret_cast<float*>(k_.data()),
                   keys_stride_);  // (d/4, Nk)
  }

  // Columns are quantised over all keys; four keys of a column lie in a lane.
  void pack_values() {
    const F f;
    const I i;
    const int64_t lanes = LaneCount();
    const float* x = TokensOf(in_.v, b_, head_, in_.d);
    for (int64_t c = 0; c < width_; c += lanes) {
      const int64_t n = std::min(lanes, in_.d - c);
      const auto load = [&](int64_t j) {
        const float* p = x + j * in_.v.row + c;
        return n == lanes ? hn::LoadU(f, p) : LoadN(p, n);
      };
      Vec most = hn::Zero(f), poison = hn::Zero(f);
      for (int64_t j = 0; j < in_.Nk; ++j) {
        most = hn::Max(most, hn::Abs(load(j)));
        poison = hn::MulAdd(load(j), hn::Zero(f), poison);
      }
      hn::Store(hn::Add(hn::Mul(most, hn::Set(f, 1 / kMost)), poison), f, v_scale_.data() + c);
      const Vec factor = hn::IfThenZeroElse(hn::Eq(most, hn::Zero(f)), hn::Div(hn::Set(f, kMost), most));
      const auto byte = [&](int64_t j) {
        return j < in_.Nk ? hn::And(hn::NearestInt(hn::Mul(load(j), factor)), hn::Set(i, 255)) : hn::Zero(i);
      };
      for (int64_t j = 0; j < in_.Nk; j += 4) {
        const Words low = hn::Or(byte(j), hn::ShiftLeft<8>(byte(j + 1)));
        const Words high = hn::Or(hn::ShiftLeft<16>(byte(j + 2)), hn::ShiftLeft<24>(byte(j + 3)));
        hn::Store(hn::Or(low, high), i, v_.data() + j / 4 * width_ + c);
      }
    }
  }

  void block(int64_t first, int64_t rows) {
    const float* x = TokensOf(in_.q, b_, head_, in_.d) + first * in_.q.row;
    for (int64_t r = 0; r < rows; ++r) {
      uint8_t* q = q_.data() + r * row_;
      q_scale_[r] = in_.scale * QuantizeRow(x + r * in_.q.row, in_.d, reinterpret_cast<int8_t*>(q));
      for (int64_t c = 0; c < in_.d; ++c) q[c] ^= 128;  // q + 128
      std::fill(q + in_.d, q + row_, uint8_t{0});       // against zeros of k
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

  // Sums of products become scores, scores whole shares of 255, which are added up.
  void softmax(int64_t first, int64_t r) {
    const F f;
    const I i;
    const hn::Rebind<uint8_t, F> bytes;
    const int64_t lanes = LaneCount();
    float* row = scores_.data() + r * keys_stride_;
    const Vec q_scale = hn::Set(f, q_scale_[r]);
    const float poison = poison_ + 0 * q_scale_[r];
    Vec largest = hn::Set(f, -kInfinity);
    const auto score = [&](int64_t j) {
      const Vec sum = hn::ConvertTo(f, hn::BitCast(i, hn::Load(f, row + j)));
      return hn::Mul(sum, hn::Mul(q_scale, hn::Load(f, k_scale_.data() + j)));
    };
    if (biases_.any()) {
      for (int64_t j = 0; j < keys_; j += lanes) hn::Store(score(j), f, row + j);
      biases_.add(first + r, 0, in_.Nk, row);
      for (int64_t j = 0; j < keys_; j += lanes) largest = hn::Max(largest, hn::Load(f, row + j));
    } else {
      for (int64_t j = 0; j < keys_; j += lanes) {
        const auto there = hn::FirstN(f, static_cast<size_t>(std::min(lanes, in_.Nk - j)));
        const Vec s = hn::IfThenElse(there, score(j), hn::Set(f, -kInfinity));
        hn::Store(s, f, row + j);
        largest = hn::Max(largest, s);
      }
    }
    const float most = hn::GetLane(hn::MaxOfLanes(f, largest));
    uint8_t* p = p_.data() + r * keys_stride_;
    if (most == -kInfinity) {  // no key may be seen
      std::fill_n(p, keys_, uint8_t{0});
      share_[r] = poison;
      return;
    }
    const Vec shift = hn::Set(f, most);
    Words sum = hn::Zero(i);
    for (int64_t j = 0; j < keys_; j += lanes) {
      const Words share = hn::NearestInt(Share(hn::Sub(hn::Load(f, row + j), shift)));
      sum = hn::Add(sum, share);
      hn::StoreU(hn::DemoteTo(bytes, share), bytes, p + j);
    }
    share_[r] = 1.0f / static_cast<float>(hn::GetLane(hn::SumOfLanes(i, sum))) + poison;
  }

  void finish(int64_t first, int64_t r) {
    const F f;
    const I i;
    const float* row = y_.data() + r * width_;
    const Vec share = hn::Set(f, share_[r]);
    float* y = args_.y + ((b_ * in_.Nq + first + r) * in_.h + head_) * in_.d;
    StoreOver(in_.d, y, false, [&](auto load) {
      return hn::Mul(hn::ConvertTo(f, hn::BitCast(i, load(row))), hn::Mul(share, load(v_scale_.data())));
    });
  }

  const AttentionForward& args_;
  const AttentionInputs& in_;
  const Blocks queries_;
  const int64_t depth_, row_;           // d/4 and d, rounded up to whole words
  const int64_t keys_, keys_stride_;    // Nk rounded up to whole vectors; the distance of rows of keys
  const int64_t width_;                 // d rounded up to whole vectors
  const Scratch<int8_t> k_rows_;        // (Nk, d)
  const Scratch<int32_t> k_, k_start_;  // (d/4, Nk) of four dimensions each; -128·Σ k
  const Floats k_scale_;                // (Nk)
  const Scratch<int32_t> v_;            // (Nk/4, d) of four keys each
  const Floats v_scale_;                // (d)
  const Scratch<uint8_t> q_;            // (queries, d)
  const Floats scores_;                 // (queries, Nk)
  const Scratch<uint8_t> p_;            // (queries, Nk)
  const Floats y_;                      // (queries, d)
  Fetcher fetcher_;
  Biases biases_;
  float q_scale_[kQueryBlock], share_[kQueryBlock];
  float poison_ = 0;  // NaN where a key holds NaN or infinity: comparisons overlook it
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

bool attention_s8_forward(const AttentionForward& args) {
  if (args.lse || args.p || args.in.dropout > 0 || !has_matmul_s8()) return false;
  const int64_t items = HWY_DYNAMIC_DISPATCH(AttentionS8Items)(args.in);  // 0: not on this machine
  parallel_for(items, 1, [&](int64_t begin, int64_t end) { HWY_DYNAMIC_DISPATCH(RunAttentionS8)(args, begin, end); });
  return items > 0;
}

}  // namespace tessera::kernels
#endif  // HWY_ONCE
