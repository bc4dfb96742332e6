// What forward and backward of attention share, once per target: blocks of queries and keys, and their scores.
#if defined(TESSERA_KERNELS_CPU_ATTENTION_SCORES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef TESSERA_KERNELS_CPU_ATTENTION_SCORES_INL_H_
#undef TESSERA_KERNELS_CPU_ATTENTION_SCORES_INL_H_
#else
#define TESSERA_KERNELS_CPU_ATTENTION_SCORES_INL_H_
#endif

#include <algorithm>
#include <cstdint>
#include <limits>

#include "tessera/kernels/attention.h"
#include "tessera/kernels/cpu/floats.h"
#include "tessera/kernels/cpu/math-inl.h"
#include "tessera/kernels/cpu/random-inl.h"
#include "tessera/kernels/cpu/tiles-inl.h"

HWY_BEFORE_NAMESPACE();
namespace tessera::kernels::HWY_NAMESPACE::attention {

// The largest blocks. A block of scores and the keys and values beside it stay in the second cache; pictures of 224×224
// in patches of 16 are one block of keys, of 384×384 two.
constexpr int64_t kQueryBlock = 72, kKeyBlock = 512;
constexpr float kInfinity = std::numeric_limits<float>::infinity();

// [0, n) in equal blocks of at most `most`.
struct Blocks {
  Blocks(int64_t n, int64_t most) : n(n), count(CeilDiv(n, most)), largest(CeilDiv(n, count)) {}
  int64_t begin(int64_t block) const { return n * block / count; }
  int64_t size(int64_t block) const { return begin(block + 1) - begin(block); }
  int64_t n, count, largest;
};

inline const float* TokensOf(const Tokens& x, int64_t b, int64_t head, int64_t d) {
  return x.data + b * x.batch + head * d;
}

// The keys or values of one head, zeros in place of those that no query may see, so that a NaN there reaches nothing.
class VisibleRows {
 public:
  explicit VisibleRows(const AttentionInputs& in) : in_(in), copy_(in.key_mask ? in.Nk * in.d : 0) {}

  void select(const Tokens& x, int64_t b, int64_t head) {
    first_ = TokensOf(x, b, head, in_.d);
    row_ = x.row;
    if (!in_.key_mask) return;
    for (int64_t j = 0; j < in_.Nk; ++j) {
      float* to = copy_.data() + j * in_.d;
      if (in_.key_mask[b * in_.Nk + j]) {
        std::copy_n(at(j), in_.d, to);
      } else {
        std::fill_n(to, in_.d, 0.0f);
      }
    }
    first_ = copy_.data();
    row_ = in_.d;
  }

  const float* at(int64_t j) const { return first_ + j * row_; }
  int64_t row() const { return row_; }  // the distance of two of them

 private:
  const AttentionInputs& in_;
  const Floats copy_;  // (Nk, d), where any are hidden
  const float* first_ = nullptr;
  int64_t row_ = 0;
};

// A block of keys (or values) of one head, for products with rows of d floats.
class Columns {
 public:
  Columns(int64_t d, int64_t most) : d_(d), stride_(StrideOf(most)), packed_(d * stride_) {}

  // n <= most rows of d floats, at x and every `row` floats.
  void pack(const float* x, int64_t row, int64_t n) {
    const int64_t rest = n % LaneCount();
    few_ = rest <= LaneCount() / 8 ? rest : 0;
    whole_ = n - few_;
    last_ = x + whole_ * row;
    row_ = row;
    PackTransposed(x, row, whole_, d_, packed_.data(), stride_);  // (d, whole)
  }

  // c[r, j] = <a_r, x_j>. A class token makes 65 keys of 64: the last one as dot products costs less than as a vector
  // of which one lane counts.
  void multiply(int64_t rows, const float* a, int64_t lda, float* c, int64_t ldc) const {
    Multiply(rows, VecsOf(whole_), d_, a, lda, packed_.data(), stride_, c, ldc, false);  // (rows, whole)
    for (int64_t j = 0; j < few_; ++j) {
      const float* x = last_ + j * row_;
      for (int64_t r = 0; r < rows; ++r)
        c[r * ldc + whole_ + j] = SumOver(d_, [&](auto load) { return hn::Mul(load(a + r * lda), load(x)); });
    }
  }

 private:
  int64_t d_, stride_;
  Floats packed_;
  int64_t whole_ = 0, few_ = 0, row_ = 0;
  const float* last_ = nullptr;
};

// Fetches tokens into the cache while others are computed with. The rows of a head lie far apart, which the hardware
// does not foresee: without this, a batch that exceeds the caches took a quarter longer. Row by row beside the
// exponentials measured faster than in the loop before them, or spread over the products.
class Fetcher {
 public:
  explicit Fetcher(int64_t d) : d_(d) {}
  void clear() { count_ = 0; }
  // n rows of d elements, at `first` and every `row` elements.
  template <class T>
  void add(const T* first, int64_t row, int64_t n) {
    constexpr int64_t kSize = sizeof(T);
    areas_[count_++] = {reinterpret_cast<const char*>(first), row * kSize, n, d_ * kSize};
  }
  // What forward will write for a head, and what it will read for the next.
  void add_forward(const AttentionInputs& in, const float* y, int64_t b, int64_t head, int64_t next_b,
                   int64_t next_head) {
    add(y + (b * in.Nq * in.h + head) * in.d, in.h * in.d, in.Nq);
    if (next_b == b && next_head == head) return;
    add(TokensOf(in.q, next_b, next_head, in.d), in.q.row, in.Nq);
    add(TokensOf(in.k, next_b, next_head, in.d), in.k.row, in.Nk);
    add(TokensOf(in.v, next_b, next_head, in.d), in.v.row, in.Nk);
  }
  // Asks for row i of each area.
  HWY_INLINE void fetch(int64_t i) const {
    for (int area = 0; area < count_; ++area) {
      if (i >= areas_[area].n) continue;
      const char* p = areas_[area].first + i * areas_[area].row;
      for (int64_t c = 0; c < areas_[area].width; c += 64) __builtin_prefetch(p + c, 0, 2);
    }
  }

 private:
  struct Area {
    const char* first;
    int64_t row, n, width;  // row and width in bytes
  };
  int64_t d_;
  int count_ = 0;
  Area areas_[8];
};

// What is added to the scores of one head of one picture.
class Biases {
 public:
  explicit Biases(const AttentionInputs& in) : in_(in), hidden_(in.key_mask ? in.Nk : 0) {}

  bool any() const { return in_.bias || in_.key_mask || in_.mask.seen; }

  void select(int64_t b, int64_t head) {
    if (in_.bias) bias_ = in_.bias + head * in_.Nq * in_.Nk;
    if (in_.mask.seen) seen_ = in_.mask.seen + b * in_.mask.batch + head * in_.mask.head;
    for (int64_t j = 0; in_.key_mask && j < in_.Nk; ++j)
      hidden_.data()[j] = in_.key_mask[b * in_.Nk + j] ? 0.0f : -kInfinity;
  }

  // To scores[0, n) of query i and keys j … j + n; -inf up to the end of the last vector.
  HWY_INLINE void add(int64_t i, int64_t j, int64_t n, float* scores) const {
    if (bias_) StoreOver(n, scores, true, [&](auto load) { return load(bias_ + i * in_.Nk + j); });
    if (in_.key_mask) StoreOver(n, scores, true, [&](auto load) { return load(hidden_.data() + j); });
    if (seen_) hide(seen_ + i * in_.mask.query + j, n, scores);
    const int64_t last = n / LaneCount() * LaneCount();
    if (last == n) return;
    const F f;
    const auto valid = hn::FirstN(f, static_cast<size_t>(n - last));
    hn::Store(hn::IfThenElse(valid, hn::Load(f, scores + last), hn::Set(f, -kInfinity)), f, scores + last);
  }

 private:
  static void hide(const uint8_t* seen, int64_t n, float* scores) {
    for (int64_t t = 0; t < n; ++t) scores[t] = seen[t] ? scores[t] : -kInfinity;
  }

  const AttentionInputs& in_;
  Floats hidden_;                  // (Nk), 0 or -inf
  const float* bias_ = nullptr;    // (Nq, Nk)
  const uint8_t* seen_ = nullptr;  // (Nq, Nk), or one row for all
};

// Which probabilities dropout keeps, of a block of queries and a block of keys.
class Keep {
 public:
  Keep(const AttentionInputs& in, int64_t queries, int64_t keys)
      : in_(in),
        stride_(CeilDiv(keys + 3 + LaneCount(), kWordGroup) * kWordGroup),
        words_(allocate(in.dropout > 0 ? static_cast<size_t>(queries * stride_) * sizeof(uint32_t) : 0)) {}

  // Draws for queries first … first + rows and keys j … j + n. Well before at(), which reads across what this writes.
  void draw(int64_t b, int64_t head, int64_t first, int64_t rows, int64_t j, int64_t n) {
    const int64_t together = n == in_.Nk ? rows : 1;  // rows of all keys have no gaps between them
    for (int64_t r = 0; r < rows; r += together) {
      const int64_t element = (head * in_.Nq + first + r) * in_.Nk + j;
      FillWords(in_.dropout_key, in_.step, in_.first_sample + static_cast<uint64_t>(b),
                static_cast<uint64_t>(element / 4), together * n + element % 4, words() + r * stride_);
      for (int64_t t = 0; t < together; ++t) offset_[r + t] = r * stride_ + element % 4 + t * n;
    }
  }
  // For the lanes from key j + t on.
  HWY_INLINE hn::Mask<F> at(int64_t r, int64_t t) const { return KeptBy(words() + offset_[r] + t, in_.dropout); }

 private:
  uint32_t* words() const { return reinterpret_cast<uint32_t*>(words_.get()); }
  const AttentionInputs& in_;
  int64_t stride_;
  std::shared_ptr<std::byte> words_;  // (queries, stride)
  int64_t offset_[kQueryBlock];       // of the row's first key
};

// row = exp(row - shift), zero where not kept(j); returns the sum before dropout.
template <bool kDropout, class Kept>
HWY_INLINE float ExpRow(float* row, int64_t vecs, float shift, Kept kept) {
  const F f;
  const int64_t lanes = LaneCount();
  const Vec vshift = hn::Set(f, shift);
  Vec sum = hn::Zero(f);
  for (int64_t j = 0; j < vecs * lanes; j += lanes) {
    const Vec p = Exp(hn::Sub(hn::Load(f, row + j), vshift));
    sum = hn::Add(sum, p);
    hn::Store(kDropout ? hn::IfThenElseZero(kept(j), p) : p, f, row + j);
  }
  return hn::GetLane(hn::SumOfLanes(f, sum));
}

// Of a row of scores and of <dy, v>: m·p in place of the first, ds in place of the second. (Where nobody wants ds,
// nobody reads it.) factor: what stands for m where it is not 0.
template <bool kDropout, class Kept>
HWY_INLINE void BackRow(float* scores, float* dp, int64_t vecs, float lse, float delta, float factor, Kept kept) {
  const F f;
  const Vec vlse = hn::Set(f, lse), vdelta = hn::Set(f, delta), vfactor = hn::Set(f, factor);
  for (int64_t j = 0; j < vecs * LaneCount(); j += LaneCount()) {
    const Vec p = Exp(hn::Sub(hn::Load(f, scores + j), vlse));
    Vec dpj = hn::Load(f, dp + j);
    if constexpr (kDropout) {
      const Vec m = hn::IfThenElseZero(kept(j), vfactor);
      dpj = hn::Mul(dpj, m);
      hn::Store(hn::Mul(p, m), f, scores + j);
    } else {
      hn::Store(p, f, scores + j);
    }
    hn::Store(hn::Mul(p, hn::Sub(dpj, vdelta)), f, dp + j);
  }
}

}  // namespace tessera::kernels::HWY_NAMESPACE::attention
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
