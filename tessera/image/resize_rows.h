// The inner loops of a resize, in the best instructions of the machine: weighted sums of pixels in 32-bit integers.
#pragma once

#include <cstdint>

#include "tessera/image/resize_taps.h"

namespace tessera::image {

// Bytes that may be read beyond a row given to sum_columns.
inline constexpr int64_t kRowSlack = 16;

// Down the columns: out[j] = clip((2^21 + Σ_t weights[t] · rows[t · row_stride + j]) >> 22), j in [0, bytes).
void sum_rows(const uint8_t* rows, int64_t row_stride, const int32_t* weights, int64_t count, int64_t bytes,
              uint8_t* out);

// Along one row of RGB or gray pixels: out[i, c] = clip((2^21 + Σ_t weights[i, t] · row[first[i] + t, c]) >> 22).
// `row` is readable up to kRowSlack bytes beyond its end.
void sum_columns(const uint8_t* row, const Taps& taps, int64_t channels, uint8_t* out);

}  // namespace tessera::image
