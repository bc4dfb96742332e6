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

// The sum of the 128-bit blocks of a vector, in the lowest.
template <class D>
hn::Vec128<int32_t> sum_of_blocks(D /*d*/, hn::Vec<D> v) {
  if constexpr (hn::MaxLanes(D()) == 4) {
    return v;
  } else {
    const hn::Half<D> half;
    return sum_of_blocks(half, hn::Add(hn::LowerHalf(half, v), hn::UpperHalf(half, v)));
  }
}

// One vector holds a quarter as many pixels as it has lanes, of four lanes each: R, G, B and one that is dropped.
// wide: (taps.size(), stride)
template <int kRows>
void sum_rgb_columns(const uint8_t* const* rows, const Taps& taps, const int32_t* wide, int64_t stride,
                     uint8_t* const* outs) {
  const hn::CappedTag<int32_t, 16> d;
  const hn::Repartition<uint8_t, decltype(d)> d8;
  const int64_t pixels = static_cast<int64_t>(hn::Lanes(d)) / 4;
  // Byte 3p + c of the row to lane 4p + c. 0x80 gives 0.
  alignas(64) static constexpr uint8_t kSpread[64] = {
      0,   128, 128, 128, 1,   128, 128, 128, 2,   128, 128, 128, 128, 128, 128, 128, 3,   128, 128, 128, 4,   128,
      128, 128, 5,   128, 128, 128, 128, 128, 128, 128, 6,   128, 128, 128, 7,   128, 128, 128, 8,   128, 128, 128,
      128, 128, 128, 128, 9,   128, 128, 128, 10,  128, 128, 128, 11,  128, 128, 128, 128, 128, 128, 128};
  const auto spread = hn::Load(d8, kSpread);
  const int64_t outputs = taps.size();
  for (int64_t i = 0; i < outputs; ++i) {
    const int64_t first = 3 * taps.first[static_cast<size_t>(i)];
    const int64_t count = taps.count[static_cast<size_t>(i)];
    const int32_t* weights = wide + i * stride;
    hn::Vec<decltype(d)> sums[kRows];
    for (auto& sum : sums) sum = hn::Zero(d);
    for (int64_t t = 0; t < count; t += pixels) {
      const auto weight = hn::LoadU(d, weights + 4 * t);
      for (int r = 0; r < kRows; ++r) {
        const auto bytes = hn::LoadDup128(d8, rows[r] + first + 3 * t);
        const auto lanes = hn::BitCast(d, hn::TableLookupBytesOr0(bytes, spread));
        sums[r] = hn::Add(sums[r], hn::Mul(weight, lanes));
      }
    }
    for (int r = 0; r < kRows; ++r) {
      const hn::FixedTag<int32_t, 4> d4;
      const hn::FixedTag<uint8_t, 4> d4_8;
      const auto sum = hn::Add(sum_of_blocks(d, sums[r]), hn::Set(d4, kHalf));
      const auto pixel = hn::DemoteTo(d4_8, hn::ShiftRight<kWeightBits>(sum));
      if (i + 1 < outputs) {
        hn::StoreU(pixel, d4_8, outs[r] + 3 * i);  // the fourth byte is overwritten by the next pixel
      } else {
        uint8_t bytes[4];
        hn::StoreU(pixel, d4_8, bytes);
        std::memcpy(outs[r] + 3 * i, bytes, 3);
      }
    }
  }
}

void sum_columns(const uint8_t* const* rows, int64_t count, const Taps& taps, const int32_t* wide, int64_t stride,
                 uint8_t* const* outs) {
  if (count == ColumnSums::kRowsAtOnce) {
    sum_rgb_columns<ColumnSums::kRowsAtOnce>(rows, taps, wide, stride, outs);
  } else {
    for (int64_t r = 0; r < count; ++r) sum_rgb_columns<1>(rows + r, taps, wide, stride, outs + r);
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

void sum_rows(const uint8_t* rows, int64_t row_stride, const int32_t* weights, int64_t count, int64_t bytes,
              uint8_t* out) {
  HWY_DYNAMIC_DISPATCH(sum_rows)(rows, row_stride, weights, count, bytes, out);
}

ColumnSums::ColumnSums(const Taps& taps, int64_t channels) : taps_(taps), channels_(channels) {
  if (channels != 3) return;
  stride_ = 4 * ((taps.stride + 3) / 4 * 4);
  wide_.resize(static_cast<size_t>(taps.size() * stride_));
  for (int64_t i = 0; i < taps.size(); ++i) {
    for (int64_t t = 0; t < taps.stride; ++t)
      std::fill_n(&wide_[static_cast<size_t>(i * stride_ + 4 * t)], 4, taps.weights_of(i)[t]);
  }
}

void ColumnSums::operator()(const uint8_t* const* rows, int64_t count, uint8_t* const* outs) const {
  if (channels_ == 3) {
    HWY_DYNAMIC_DISPATCH(sum_columns)(rows, count, taps_, wide_.data(), stride_, outs);
  } else {
    for (int64_t r = 0; r < count; ++r) sum_gray_columns(rows[r], taps_, outs[r]);
  }
}

}  // namespace tessera::image
#endif  // HWY_ONCE
