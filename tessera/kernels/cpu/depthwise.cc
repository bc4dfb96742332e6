#include "tessera/kernels/cpu/depthwise.h"

#include <algorithm>
#include <vector>

#include "tessera/core/parallel.h"
#include "tessera/kernels/cpu/loops.h"
#include "tessera/kernels/cpu/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tessera/kernels/cpu/depthwise.cc"
#include <hwy/aligned_allocator.h>
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "tessera/kernels/cpu/simd-inl.h"

#ifndef TESSERA_KERNELS_CPU_DEPTHWISE_ONCE
#define TESSERA_KERNELS_CPU_DEPTHWISE_ONCE
namespace tessera::kernels {

// Zeros at first. Aligned: a vector that lies across two cache lines is read at half the speed.
class AlignedFloats {
 public:
  explicit AlignedFloats(int64_t n) : values_(hwy::AllocateAligned<float>(static_cast<size_t>(n))) {
    std::fill_n(values_.get(), n, 0.0f);
  }
  float* data() { return values_.get(); }
  const float* data() const { return values_.get(); }

 private:
  hwy::AlignedFreeUniquePtr<float[]> values_;
};

}  // namespace tessera::kernels
#endif

HWY_BEFORE_NAMESPACE();
namespace tessera::kernels::HWY_NAMESPACE {

constexpr int64_t kLanes = hn::MaxLanes(F());  // as LaneCount(): none of the targets has vectors of unknown length
constexpr int kTaps = 9;                       // whose sums stay in registers

// A vector of channels of one sample, and a band of output rows: what they need of x, padded with zeros, and of dy,
// the vectors of neighbouring pixels side by side. Strided as they are in memory they would push each other out of the
// first-level cache. Small enough for the second level; every line is used for nine taps when it comes to the first.
struct Band {
  const Conv2dShape& s;
  int64_t columns;  // of x, padding included
  AlignedFloats x, dy;

  Band(const Conv2dShape& shape, int64_t rows)
      : s(shape),
        columns(shape.W + shape.window.padding.left + shape.window.padding.right),
        x(rows_of_x(rows) * columns * kLanes),
        dy(rows * shape.out().w * kLanes) {}

  int64_t rows_of_x(int64_t rows) const { return (rows - 1) * s.window.stride.h + s.window.kernel.h; }

  void copy(const float* from, int64_t n, int64_t pixels, float* to) const {
    for (int64_t j = 0; j < pixels; ++j, from += s.C, to += kLanes)
      hn::StoreU(n == kLanes ? hn::LoadU(F(), from) : LoadN(from, n), F(), to);
  }
  // Output rows [begin, end) of the n channels that begin here.
  void take(const float* sample_x, const float* sample_dy, int64_t n, int64_t begin, int64_t end) {
    const int64_t first = begin * s.window.stride.h - s.window.padding.top;
    for (int64_t r = 0; r < rows_of_x(end - begin); ++r) {
      float* row = x.data() + r * columns * kLanes;
      const bool inside = first + r >= 0 && first + r < s.H;
      if (inside) copy(sample_x + (first + r) * s.W * s.C, n, s.W, row + s.window.padding.left * kLanes);
      if (!inside) std::fill_n(row, columns * kLanes, 0.0f);
    }
    const int64_t pixels = (end - begin) * s.out().w;
    copy(sample_dy + begin * s.out().w * s.C, n, pixels, dy.data());
  }
};

// sums (taps, lanes) += Σ dy·x over `rows` output rows, for the taps [first, first + kCount).
template <int kCount, int kStride>
HWY_INLINE void Correlate(const Band& band, int64_t rows, int64_t first, float* sums) {
  const F f;
  const Conv2dShape& s = band.s;
  Vec sum[kCount];
  int64_t offset[kCount];
  for (int t = 0; t < kCount; ++t) {
    sum[t] = hn::LoadU(f, sums + (first + t) * kLanes);
    const int64_t tap = first + t;
    offset[t] = (tap / s.window.kernel.w * band.columns + tap % s.window.kernel.w) * kLanes;
  }
  const float* dy = band.dy.data();
  for (int64_t i = 0; i < rows; ++i) {
    const float* x = band.x.data() + i * s.window.stride.h * band.columns * kLanes;
    const float* at[kCount];
    for (int t = 0; t < kCount; ++t) at[t] = x + offset[t];
    for (int64_t j = 0; j < s.out().w; ++j, dy += kLanes) {
      const Vec d = hn::LoadU(f, dy);
      for (int t = 0; t < kCount; ++t) sum[t] = hn::MulAdd(d, hn::LoadU(f, at[t] + j * (kStride * kLanes)), sum[t]);
    }
  }
  for (int t = 0; t < kCount; ++t) hn::StoreU(sum[t], f, sums + (first + t) * kLanes);
}

template <int kStride>
void AllTaps(const Band& band, int64_t rows, float* sums) {
  const int64_t taps = band.s.window.kernel.h * band.s.window.kernel.w;
  int64_t first = 0;
  for (; first + kTaps <= taps; first += kTaps) Correlate<kTaps, kStride>(band, rows, first, sums);
  for (; first + 4 <= taps; first += 4) Correlate<4, kStride>(band, rows, first, sums);
  for (; first < taps; ++first) Correlate<1, kStride>(band, rows, first, sums);
}

// dtaps (kernel.h·kernel.w, C) += the gradients of the parts [begin, end): each is a vector of channels of one sample,
// the samples of a vector side by side.
void BackwardWeights(const Conv2dBackward& a, int64_t begin, int64_t end, float* dtaps) {
  constexpr int64_t kBytes = 256 << 10;
  const Conv2dShape& s = a.shape;
  const auto [H, W] = s.out();
  const int64_t taps = s.w_size() / s.O;
  const int64_t of_a_row = (s.window.stride.h * s.W + W) * kLanes * static_cast<int64_t>(sizeof(float));
  const int64_t rows = std::clamp<int64_t>(kBytes / of_a_row, 1, H);
  Band band(s, rows);
  AlignedFloats sums(taps * kLanes);
  for (int64_t part = begin; part < end; ++part) {
    const int64_t sample = part % s.B, channel = part / s.B * kLanes, n = std::min(kLanes, s.C - channel);
    std::fill_n(sums.data(), taps * kLanes, 0.0f);
    for (int64_t top = 0; top < H; top += rows) {
      const int64_t bottom = std::min(top + rows, H);
      band.take(a.x + sample * s.H * s.W * s.C + channel, a.dy + sample * H * W * s.C + channel, n, top, bottom);
      s.window.stride.w == 1 ? AllTaps<1>(band, bottom - top, sums.data())
                             : AllTaps<2>(band, bottom - top, sums.data());
    }
    for (int64_t t = 0; t < taps; ++t)
      for (int64_t i = 0; i < n; ++i) dtaps[t * s.C + channel + i] += sums.data()[t * kLanes + i];
  }
}

}  // namespace tessera::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tessera::kernels {

HWY_EXPORT(BackwardWeights);
HWY_EXPORT(LaneCount);

// Threads share the channel vectors, and the samples of one where these are few.
void depthwise_backward_weights(const Conv2dBackward& args) {
  const Conv2dShape& s = args.shape;
  const int64_t lanes = HWY_DYNAMIC_DISPATCH(LaneCount)(), vectors = (s.C + lanes - 1) / lanes;
  const int64_t taps = s.w_size() / s.O, parts = s.B * vectors;
  const int64_t grain = std::max<int64_t>(kMemoryGrain / (s.y_size() / s.O / s.B * lanes), 1);
  const int pieces = parallel_pieces(parts, grain);
  std::vector<float> sums(static_cast<size_t>(pieces * taps * s.C));  // (pieces, taps, C)
  parallel_for_pieces(parts, grain, [&](int piece, int64_t begin, int64_t end) {
    HWY_DYNAMIC_DISPATCH(BackwardWeights)(args, begin, end, sums.data() + piece * taps * s.C);
  });
  store_over(taps * s.C, args.dw.data, args.dw.accumulate, [&](int64_t i) {  // (C, 1, kh, kw)
    float sum = 0;
    for (int piece = 0; piece < pieces; ++piece)
      sum += sums[static_cast<size_t>((piece * taps + i % taps) * s.C + i / taps)];
    return sum;
  });
}

}  // namespace tessera::kernels
#endif  // HWY_ONCE
