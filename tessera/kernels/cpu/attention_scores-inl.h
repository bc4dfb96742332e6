// What forward and backward of attention share, once per target: blocks of queries and keys, and their scores.
#if defined(TESSERA_KERNELS_CPU_ATTENTION_SCORES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef TESSERA_KERNELS_CPU_ATTENTION_SCORES_INL_H_
#undef TESSERA_KERNELS_CPU_ATTENTION_SCORES_INL_H_
#else
#define TESSERA_KERNELS_CPU_ATTENTION_SCORES_INL_H_
#endif

#include <cstdint>
#include <limits>

#include "tessera/kernels/attention.h"
#include "tessera/kernels/cpu/attention_tiles-inl.h"
#include "tessera/kernels/cpu/random-inl.h"

HWY_BEFORE_NAMESPACE();
namespace tessera::kernels::HWY_NAMESPACE {

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

// Uninitialised memory of one thread.
class Floats {
 public:
  explicit Floats(int64_t n) : memory_(allocate(static_cast<size_t>(n) * sizeof(float))) {}
  float* data() const { return reinterpret_cast<float*>(memory_.get()); }

 private:
  std::shared_ptr<std::byte> memory_;
};

inline const float* TokensOf(const Tokens& x, int64_t b, int64_t head, int64_t d) {
  return x.data + b * x.batch + head * d;
}

// Fetches tokens into the cache while others are computed with. The rows of a head lie far apart, which the hardware does
// not foresee: asked for one by one beforehand, they cost next to no time, and else up to half of it.
class Fetcher {
 public:
  explicit Fetcher(int64_t d) : d_(d) {}
  void clear() { count_ = 0; }
  // n rows of d floats, at `first` and every `row` floats.
  void add(const float* first, int64_t row, int64_t n) { areas_[count_++] = {first, row, n}; }
  // Asks for row i of each area.
  HWY_INLINE void fetch(int64_t i) const {
    for (int area = 0; area < count_; ++area) {
      if (i >= areas_[area].n) continue;
      const float* p = areas_[area].first + i * areas_[area].row;
      for (int64_t c = 0; c < d_; c += 16) __builtin_prefetch(p + c, 0, 2);
    }
  }

 private:
  struct Area {
    const float* first;
    int64_t row, n;
  };
  int64_t d_;
  int count_ = 0;
  Area areas_[8];
};

// What is added to the scores of one head of one picture.
class Biases {
 public:
  explicit Biases(const AttentionInputs& in)
      : in_(in), hidden_(in.key_mask ? in.Nk : 0), column_(in.bias_table ? in.T : 0) {}

  void select(int64_t b, int64_t head) {
    head_ = head;
    for (int64_t j = 0; in_.key_mask && j < in_.Nk; ++j)
      hidden_.data()[j] = in_.key_mask[b * in_.Nk + j] ? 0.0f : -kInfinity;
    for (int64_t t = 0; in_.bias_table && t < in_.T; ++t) column_.data()[t] = in_.bias_table[t * in_.h + head];
  }

  // scores[0, n) of query i and keys j … j + n, and -inf up to the end of the last vector.
  void add(int64_t i, int64_t j, int64_t n, float* scores) const {
    if (in_.bias) {
      const float* bias = in_.bias + (head_ * in_.Nq + i) * in_.Nk + j;
      StoreOver(n, scores, true, [&](auto load) { return load(bias); });
    }
    if (in_.bias_table) {
      const int32_t* index = in_.bias_index + i * in_.Nk + j;
      for (int64_t t = 0; t < n; ++t) scores[t] += column_.data()[index[t]];
    }
    if (in_.key_mask) StoreOver(n, scores, true, [&](auto load) { return load(hidden_.data() + j); });
    const int64_t lanes = LaneCount(), last = n / lanes * lanes;
    if (last < n) {
      const F f;
      const auto valid = hn::FirstN(f, static_cast<size_t>(n - last));
      hn::Store(hn::IfThenElse(valid, hn::Load(f, scores + last), hn::Set(f, -kInfinity)), f, scores + last);
    }
  }

 private:
  const AttentionInputs& in_;
  Floats hidden_;  // (Nk), 0 or -inf
  Floats column_;  // (T), the head's column of the table
  int64_t head_ = 0;
};

// Which probabilities of a row dropout keeps.
class Keep {
 public:
  Keep(const AttentionInputs& in, int64_t keys)
      : in_(in), words_(in.dropout > 0 ? keys + 2 * kWordGroup + LaneCount() : 0) {}

  // Draws for query i and keys j … j + n.
  void draw(int64_t b, int64_t head, int64_t i, int64_t j, int64_t n) {
    const int64_t element = (head * in_.Nq + i) * in_.Nk + j;
    offset_ = element % 4;
    FillWords(in_.dropout_key, in_.step, in_.first_sample + static_cast<uint64_t>(b),
              static_cast<uint64_t>(element / 4), offset_ + n, words());
  }
  // Of the lanes from key j + t on.
  HWY_INLINE hn::Mask<F> at(int64_t t) const { return KeptBy(words() + offset_ + t, in_.dropout); }

 private:
  uint32_t* words() const { return reinterpret_cast<uint32_t*>(words_.data()); }
  const AttentionInputs& in_;
  Floats words_;
  int64_t offset_ = 0;
};

}  // namespace tessera::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
