// What forward and backward of attention within windows share, once per target.
#if defined(TESSERA_KERNELS_CPU_WINDOW_ATTENTION_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef TESSERA_KERNELS_CPU_WINDOW_ATTENTION_INL_H_
#undef TESSERA_KERNELS_CPU_WINDOW_ATTENTION_INL_H_
#else
#define TESSERA_KERNELS_CPU_WINDOW_ATTENTION_INL_H_
#endif

#include <algorithm>
#include <cstdint>

#include "tessera/kernels/cpu/attention_scores-inl.h"
#include "tessera/kernels/cpu/window_bias.h"
#include "tessera/kernels/cpu/window_table.h"

HWY_BEFORE_NAMESPACE();
namespace tessera::kernels::HWY_NAMESPACE::window_attention {

using attention::Blocks, attention::Columns, attention::Keep, attention::kInfinity, attention::kQueryBlock;

constexpr int64_t kCached = 1 << 20;  // floats of q, k and v that the second caches of the threads hold

// What dropout needs to know of a window's pairs: its heads are those of a picture with as many heads as windows·h.
inline AttentionInputs PairsOf(const WindowAttentionInputs& in) {
  AttentionInputs pairs{};
  pairs.Nq = pairs.Nk = in.grid.places();
  pairs.dropout = in.dropout;
  pairs.dropout_key = in.dropout_key;
  pairs.step = in.step;
  pairs.first_sample = in.first_sample;
  return pairs;
}

// One head of one window of one picture, its tokens wherever they lie.
class HeadOfWindow {
 public:
  enum Which { kQ, kK, kV };

  // bias: (h, M, window_bias_stride)
  HeadOfWindow(const WindowAttentionInputs& in, const WindowTable& table, const float* bias)
      : in_(in),
        table_(table),
        bias_(bias),
        places_(in.grid.places()),
        bias_stride_(window_bias_stride(in.grid)),
        stride_(StrideOf(places_)),
        width_(VecsOf(in.d) * LaneCount()),
        far_(in.B * in.grid.H * in.grid.W * 3 * in.h * in.d > kCached),
        regions_(bias_stride_),
        zeros_(width_) {
    std::fill_n(zeros_.data(), width_, 0.0f);
  }

  // item: (picture, window, head), the heads of a window side by side, as those of a token are. last: of this thread.
  void select(int64_t item, int64_t last) {
    const int64_t before = item_;
    item_ = item;
    head_ = item % in_.h;
    if (before >= 0 && item / in_.h == before / in_.h) return;
    window_ = item / in_.h % in_.grid.windows();
    b_ = item / in_.h / in_.grid.windows();
    tokens_ = table_.tokens(window_);
    mixed_ = table_.is_mixed(window_);
    if (mixed_) std::copy_n(table_.regions(window_), places_, regions_.data());
    const int64_t next = item / in_.h + 1;  // the window after
    next_ = far_ && next <= last / in_.h ? table_.tokens(next % in_.grid.windows()) : nullptr;
    next_b_ = next / in_.grid.windows();
  }

  int64_t b() const { return b_; }
  int64_t head() const { return head_; }
  int64_t places() const { return places_; }  // M
  int64_t stride() const { return stride_; }  // of rows of M scores
  int64_t width() const { return width_; }    // of packed rows of d floats
  int64_t pairs_head() const { return window_ * in_.h + head_; }

  // Where the head's d floats of a token stand in an array (B, H·W, parts·h·d): at base + token·row.
  struct Rows {
    int64_t base, row;
  };
  Rows rows_of(int64_t b, int64_t part, int64_t parts) const {
    const int64_t row = parts * in_.h * in_.d;
    return {b * in_.grid.H * in_.grid.W * row + padding_offset(part), row};
  }
  Rows rows_of(int64_t part, int64_t parts) const { return rows_of(b_, part, parts); }
  int64_t padding_offset(int64_t part) const { return (part * in_.h + head_) * in_.d; }
  // Of each place, or WindowTable::kPadding.
  const int32_t* tokens() const { return tokens_; }

  // factor·x of places first … first + n -> rows of width() floats. x: (B, H·W, parts·h·d), padding: (parts·h·d) or
  // null for zeros
  void gather(const float* x, const float* padding, int64_t part, int64_t parts, int64_t first, int64_t n, float factor,
              float* out) const {
    const F f;
    const Vec scale = hn::Set(f, factor);
    const auto [base, row] = rows_of(part, parts);
    const float* outside = padding ? padding + padding_offset(part) : zeros_.data();
    const int64_t whole = in_.d / LaneCount() * LaneCount();
    for (int64_t i = first; i < first + n; ++i, out += width_) {
      const int32_t token = tokens_[i];
      const float* from = token == WindowTable::kPadding ? outside : x + base + token * row;
      for (int64_t c = 0; c < whole; c += LaneCount()) hn::Store(hn::Mul(scale, hn::LoadU(f, from + c)), f, out + c);
      if (whole < in_.d) hn::Store(hn::Mul(scale, LoadN(from + whole, in_.d - whole)), f, out + whole);
    }
  }
  void gather(Which part, int64_t first, int64_t n, float factor, float* out) const {
    gather(in_.qkv, in_.padding, part, 3, first, n, factor, out);
  }

  // Asks for what the head needs of place i of the window after this one, while this one is computed with.
  HWY_INLINE void look_ahead(int64_t i) const {
    if (!next_ || next_[i] == WindowTable::kPadding) return;
    const auto [base, row] = rows_of(next_b_, 0, 3);
    const float* x = in_.qkv + base + next_[i] * row;
    for (int64_t part = 0; part < 3; ++part, x += in_.h * in_.d)
      for (int64_t c = 0; c < in_.d; c += 16) __builtin_prefetch(x + c, 0, 2);
  }

  // Adds bias and mask to the M scores of place i; -inf up to the end of the last vector. Returns the largest.
  float add_bias(int64_t i, float* scores) const { return mixed_ ? add<true>(i, scores) : add<false>(i, scores); }

 private:
  template <bool kMixed>
  HWY_INLINE float add(int64_t i, float* scores) const {
    const F f;
    const float* bias = bias_ + (head_ * places_ + i) * bias_stride_;
    const Vec region = hn::Set(f, kMixed ? regions_.data()[i] : 0.0f);
    const auto biased = [&](int64_t j) HWY_ATTR {
      const Vec s = hn::Add(hn::Load(f, scores + j), hn::Load(f, bias + j));
      if constexpr (!kMixed) return s;
      return hn::IfThenElse(hn::Eq(hn::Load(f, regions_.data() + j), region), s, hn::Sub(s, hn::Set(f, 100.0f)));
    };
    Vec most = hn::Set(f, -kInfinity);
    int64_t j = 0;
    for (; j + LaneCount() <= places_; j += LaneCount()) {
      const Vec s = biased(j);
      most = hn::Max(s, most);
      hn::Store(s, f, scores + j);
    }
    if (j < places_) {
      const auto inside = hn::FirstN(f, static_cast<size_t>(places_ - j));
      const Vec s = hn::IfThenElse(inside, biased(j), hn::Set(f, -kInfinity));
      most = hn::Max(s, most);
      hn::Store(s, f, scores + j);
    }
    return hn::GetLane(hn::MaxOfLanes(f, most));
  }

  const WindowAttentionInputs& in_;
  const WindowTable& table_;
  const float* const bias_;
  const int64_t places_, bias_stride_, stride_, width_;
  const bool far_;        // q, k and v have left the second cache since they were made
  const Floats regions_;  // (bias_stride), of the window
  const Floats zeros_;    // (width)
  const int32_t* tokens_ = nullptr;
  bool mixed_ = false;
  int64_t item_ = -1, b_ = 0, window_ = 0, head_ = 0;
  const int32_t* next_ = nullptr;  // tokens of the window after, or null
  int64_t next_b_ = 0;
};

}  // namespace tessera::kernels::HWY_NAMESPACE::window_attention
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
