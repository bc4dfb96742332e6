#include "tessera/image/resize_rows.h"

#include <algorithm>
#include <cstring>

// The same list as in kernels/cpu/targets.h.
#define HWY_DISABLED_TARGETS (HWY_SSE4 | HWY_AVX3_DL)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tessera/image/resize_rows.cc"
#include <hwy/foreach_target.h>
// After foreach_target.h.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace tessera::image::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

constexpr int32_t kHalf = 1 << (kWeightBits - 1);

// `kVectors` vectors of pixels from column j on.
template <int kVectors, class D>
void sum_some_rows(D d, const uint8_t* rows, int64_t row_stride, const int32_t* weights, int64_t count, uint8_t* out) {
  const hn::Rebind<uint8_t, D> d8;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  hn::Vec<D> sums[kVectors];
  for (auto& sum : sums) sum = hn::Set(d, kHalf);
  for (int64_t t = 0; t < count; ++t) {
    const hn::Vec<D> weight = hn::Set(d, weights[t]);
    const uint8_t* row = rows + t * row_stride;
    for (int v = 0; v < kVectors; ++v) {
      const hn::Vec<D> pixels = hn::PromoteTo(d, hn::LoadU(d8, row + v * lanes));
      sums[v] = hn::Add(sums[v], hn::Mul(weight, pixels));
    }
  }
  for (int v = 0; v < kVectors; ++v) {
    hn::StoreU(hn::DemoteTo(d8, hn::ShiftRight<kWeightBits>(sums[v])), d8, out + v * lanes);
  }
}

void sum_rows(const uint8_t* rows, int64_t row_stride, const int32_t* weights, int64_t count, int64_t bytes,
              uint8_t* out) {
  const hn::ScalableTag<int32_t> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t j = 0;
  for (; j + 4 * lanes <= bytes; j += 4 * lanes) {
    sum_some_rows<4>(d, rows + j, row_stride, weights, count, out + j);
  }
  for (; j + lanes <= bytes; j += lanes) sum_some_rows<1>(d, rows + j, row_stride, weights, count, out + j);
  for (; j < bytes; ++j) {
    int32_t sum = kHalf;
    for (int64_t t = 0; t < count; ++t) sum += weights[t] * rows[t * row_stride + j];
    out[j] = static_cast<uint8_t>(std::clamp(sum >> kWeightBits, 0, 255));
  }
}

int64_t blocks_of_vector() { return static_cast<int64_t>(hn::Lanes(hn::CappedTag<int32_t, 16>())) / 4; }

// 16 bytes from each of these places, a block of 128 bits for each.
template <class D>
hn::Vec<D> load_blocks(D d, const uint8_t* row, const int32_t* places) {
  if constexpr (hn::MaxLanes(D()) == 16) {
    return hn::LoadU(d, row + *places);
  } else {
    const hn::Half<D> half;
    const auto low = load_blocks(half, row, places);
    return hn::Combine(d, load_blocks(half, row, places + hn::MaxLanes(half) / 16), low);
  }
}

// Each block of a vector makes one output from its own pixels.
template <int kRows>
void sum_rgb_columns(const uint8_t* const* rows, const RgbTaps& taps, uint8_t* const* outs) {
  const hn::CappedTag<int32_t, 16> d;
  const hn::Repartition<uint8_t, decltype(d)> d8;
  const hn::Rebind<uint8_t, decltype(d)> d_out;
  const int64_t blocks = static_cast<int64_t>(hn::Lanes(d)) / 4;
  // Byte 3t + c of a block to its lane c: pixel t of the 5 that it holds whole. 128 gives 0.
  constexpr int64_t kPixels = 5;
  alignas(16) static constexpr uint8_t kSpread[kPixels][16] = {
      {0, 128, 128, 128, 1, 128, 128, 128, 2, 128, 128, 128, 128, 128, 128, 128},
      {3, 128, 128, 128, 4, 128, 128, 128, 5, 128, 128, 128, 128, 128, 128, 128},
      {6, 128, 128, 128, 7, 128, 128, 128, 8, 128, 128, 128, 128, 128, 128, 128},
      {9, 128, 128, 128, 10, 128, 128, 128, 11, 128, 128, 128, 128, 128, 128, 128},
      {12, 128, 128, 128, 13, 128, 128, 128, 14, 128, 128, 128, 128, 128, 128, 128}};
  // Every fourth byte to the end.
  alignas(16) static constexpr uint8_t kClose[16] = {0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, 3, 7, 11, 15};
  const auto close = hn::Load(d_out, kClose);

  const int32_t* weights = taps.weights;
  for (int64_t i = 0; i < taps.outputs; i += blocks) {
    hn::Vec<decltype(d)> sums[kRows];
    for (auto& sum : sums) sum = hn::Set(d, kHalf);
    for (int64_t begin = 0; begin < taps.count; begin += kPixels) {
      hn::Vec<decltype(d8)> bytes[kRows];
      for (int r = 0; r < kRows; ++r) bytes[r] = load_blocks(d8, rows[r] + 3 * begin, taps.first + i);
      const int64_t pixels = std::min(kPixels, taps.count - begin);
      for (int64_t t = 0; t < pixels; ++t, weights += 4 * blocks) {
        const auto weight = hn::LoadU(d, weights);
        const auto spread = hn::LoadDup128(d8, kSpread[t]);
        for (int r = 0; r < kRows; ++r) {
          const auto lanes = hn::BitCast(d, hn::TableLookupBytesOr0(bytes[r], spread));
          sums[r] = hn::Add(sums[r], hn::Mul(weight, lanes));
        }
      }
    }
    for (int r = 0; r < kRows; ++r) {
      const auto pixels = hn::TableLookupBytes(hn::DemoteTo(d_out, hn::ShiftRight<kWeightBits>(sums[r])), close);
      if (i + 2 * blocks <= taps.outputs) {
        hn::StoreU(pixels, d_out, outs[r] + 3 * i);  // what follows the pixels is overwritten by the next ones
      } else {
        uint8_t bytes[16];
        hn::StoreU(pixels, d_out, bytes);
        std::memcpy(outs[r] + 3 * i, bytes, static_cast<size_t>(3 * std::min(blocks, taps.outputs - i)));
      }
    }
  }
}

void sum_columns(const uint8_t* const* rows, int64_t count, const RgbTaps& taps, uint8_t* const* outs) {
  if (count == ColumnSums::kRowsAtOnce) {
    sum_rgb_columns<ColumnSums::kRowsAtOnce>(rows, taps, outs);
  } else {
    for (int64_t r = 0; r < count; ++r) sum_rgb_columns<1>(rows + r, taps, outs + r);
  }
}

}  // namespace tessera::image::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tessera::image {
namespace {

void sum_gray_columns(const uint8_t* row, const Taps& taps, uint8_t* out) {
  for (int64_t i = 0; i < taps.size(); ++i) {
    const uint8_t* pixel = row + taps.first[static_cast<size_t>(i)];
    const int32_t* weights = taps.weights_of(i);
    int32_t sum = 1 << (kWeightBits - 1);
    for (int64_t t = 0; t < taps.count[static_cast<size_t>(i)]; ++t) sum += weights[t] * pixel[t];
    out[i] = static_cast<uint8_t>(std::clamp(sum >> kWeightBits, 0, 255));
  }
}

}  // namespace

HWY_EXPORT(sum_rows);
HWY_EXPORT(sum_columns);
HWY_EXPORT(blocks_of_vector);

void sum_rows(const uint8_t* rows, int64_t row_stride, const int32_t* weights, int64_t count, int64_t bytes,
              uint8_t* out) {
  HWY_DYNAMIC_DISPATCH(sum_rows)(rows, row_stride, weights, count, bytes, out);
}

ColumnSums::ColumnSums(const Taps& taps, int64_t channels) : taps_(taps), channels_(channels) {
  if (channels != 3) return;
  const int64_t blocks = HWY_DYNAMIC_DISPATCH(blocks_of_vector)();
  const int64_t vectors = (taps.size() + blocks - 1) / blocks;
  count_ = *std::max_element(taps.count.begin(), taps.count.end());
  first_.resize(static_cast<size_t>(vectors * blocks));
  weights_.resize(static_cast<size_t>(vectors * count_ * blocks * 4));
  for (int64_t i = 0; i < taps.size(); ++i) {
    first_[static_cast<size_t>(i)] = 3 * taps.first[static_cast<size_t>(i)];
    int32_t* to = weights_.data() + (i / blocks * count_ * blocks + i % blocks) * 4;
    for (int64_t t = 0; t < count_; ++t) std::fill_n(to + t * blocks * 4, 4, taps.weights_of(i)[t]);
  }
}

void ColumnSums::operator()(const uint8_t* const* rows, int64_t count, uint8_t* const* outs) const {
  if (channels_ == 3) {
    const RgbTaps taps{taps_.size(), count_, first_.data(), weights_.data()};
    HWY_DYNAMIC_DISPATCH(sum_columns)(rows, count, taps, outs);
  } else {
    for (int64_t r = 0; r < count; ++r) sum_gray_columns(rows[r], taps_, outs[r]);
  }
}

}  // namespace tessera::image
#endif  // HWY_ONCE
