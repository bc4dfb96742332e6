// The inner loops of a resize, in the best instructions of the machine: weighted sums of pixels in 32-bit integers.
#pragma once

#include <cstdint>

#include "tessera/image/resize_taps.h"

namespace tessera::image {

// Down the columns: out[j] = clip((2^21 + Σ_t weights[t] · rows[t · row_stride + j]) >> 22), j in [0, bytes).
void sum_rows(const uint8_t* rows, int64_t row_stride, const int32_t* weights, int64_t count, int64_t bytes,
              uint8_t* out);

// Along the rows: out[i, c] = clip((2^21 + Σ_t weights[i, t] · row[first[i] + t, c]) >> 22), for several rows at once.
class ColumnSums {
 public:
  static constexpr int64_t kRowsAtOnce = 4;

  // channels is 1 or 3. The taps must outlive this.
  ColumnSums(const Taps& taps, int64_t channels);

  // Bytes that are read beyond the end of an input row, at most.
  int64_t slack() const { return 3 * count_ + 16; }
  // rows: `count` <= kRowsAtOnce inputs of (w, C); outs: as many outputs of (taps.size(), C).
  void operator()(const uint8_t* const* rows, int64_t count, uint8_t* const* outs) const;

 private:
  const Taps& taps_;
  int64_t channels_;
  int64_t count_ = 0;  // RGB: of taps, for every output; see RgbTaps
  std::vector<int32_t> first_, weights_;
};

// The taps of RGB rows as vectors take them: as many outputs at once as there are 128-bit blocks, each with all its
// weights four times, for R, G, B and a lane that is dropped.
struct RgbTaps {
  int64_t outputs, count;
  const int32_t* first;    // (outputs, rounded up to whole vectors), in bytes
  const int32_t* weights;  // (vectors, count, blocks, 4)
};

}  // namespace tessera::image
