#include "tessera/image/resize_rows.h"

#include <algorithm>
#include <cstring>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tessera/image/resize_rows.cc"
#include <hwy/foreach_target.h>
// After foreach_target.h.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace tessera::image::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

constexpr int32_t kHalf = 1 << (kWeightBits - 1);

uint8_t rounded(int32_t sum) { return static_cast<uint8_t>(std::clamp(sum >> kWeightBits, 0, 255)); }

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
    out[j] = rounded(sum);
  }
}

void sum_rgb_columns(const uint8_t* row, const Taps& taps, uint8_t* out) {
  const hn::FixedTag<int32_t, 4> d;  // R, G, B and what follows them, of one pixel
  const hn::FixedTag<uint8_t, 4> d8;
  for (int64_t i = 0; i < taps.size(); ++i) {
    const uint8_t* pixel = row + 3 * taps.first[static_cast<size_t>(i)];
    const int32_t* weights = taps.weights_of(i);
    const int64_t count = taps.count[static_cast<size_t>(i)];
    auto sum = hn::Set(d, kHalf);
    for (int64_t t = 0; t < count; ++t) {
      sum = hn::Add(sum, hn::Mul(hn::Set(d, weights[t]), hn::PromoteTo(d, hn::LoadU(d8, pixel + 3 * t))));
    }
    uint8_t result[4];
    hn::StoreU(hn::DemoteTo(d8, hn::ShiftRight<kWeightBits>(sum)), d8, result);
    std::memcpy(out + 3 * i, result, 3);
  }
}

void sum_gray_columns(const uint8_t* row, const Taps& taps, uint8_t* out) {
  for (int64_t i = 0; i < taps.size(); ++i) {
    const uint8_t* pixel = row + taps.first[static_cast<size_t>(i)];
    const int32_t* weights = taps.weights_of(i);
    int32_t sum = kHalf;
    for (int64_t t = 0; t < taps.count[static_cast<size_t>(i)]; ++t) sum += weights[t] * pixel[t];
    out[i] = rounded(sum);
  }
}

void sum_columns(const uint8_t* row, const Taps& taps, int64_t channels, uint8_t* out) {
  channels == 3 ? sum_rgb_columns(row, taps, out) : sum_gray_columns(row, taps, out);
}

}  // namespace tessera::image::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tessera::image {

HWY_EXPORT(sum_rows);
HWY_EXPORT(sum_columns);

void sum_rows(const uint8_t* rows, int64_t row_stride, const int32_t* weights, int64_t count, int64_t bytes,
              uint8_t* out) {
  HWY_DYNAMIC_DISPATCH(sum_rows)(rows, row_stride, weights, count, bytes, out);
}

void sum_columns(const uint8_t* row, const Taps& taps, int64_t channels, uint8_t* out) {
  HWY_DYNAMIC_DISPATCH(sum_columns)(row, taps, channels, out);
}

}  // namespace tessera::image
#endif  // HWY_ONCE
