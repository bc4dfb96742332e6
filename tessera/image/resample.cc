#include "tessera/image/resample.h"

#include <algorithm>
#include <vector>

#include "tessera/core/error.h"
#include "tessera/image/resize_taps.h"

namespace tessera::image {
namespace {

constexpr float kUnit = 1.0f / (1 << kWeightBits);

// Along an axis whose elements lie `stride` apart: out[i] = Σ_t weight[i, t] · in[first[i] + t], for `stride` elements.
void sums(const Taps& taps, const float* in, int64_t stride, float* out) {
  for (int64_t i = 0; i < taps.size(); ++i, out += stride) {
    std::fill_n(out, stride, 0.0f);
    for (int32_t t = 0; t < taps.count[static_cast<size_t>(i)]; ++t) {
      const float weight = static_cast<float>(taps.weights_of(i)[t]) * kUnit;
      const float* from = in + (taps.first[static_cast<size_t>(i)] + t) * stride;
      for (int64_t j = 0; j < stride; ++j) out[j] += weight * from[j];
    }
  }
}

Taps all_taps(int64_t n, int64_t N, Filter filter) {
  return taps({.n = n, .lo = 0, .hi = static_cast<float>(n), .N = N}, filter, 0, N);
}

}  // namespace

void resample(const float* in, int64_t h, int64_t w, int64_t channels, Filter filter, int64_t H, int64_t W,
              float* out) {
  TESSERA_CHECK(filter != Filter::nearest, "resample: the filter nearest has no weights");
  const Taps along_rows = all_taps(w, W, filter), along_columns = all_taps(h, H, filter);
  std::vector<float> wide(static_cast<size_t>(h * W * channels));  // (h, W, C)
  for (int64_t y = 0; y < h; ++y) sums(along_rows, in + y * w * channels, channels, wide.data() + y * W * channels);
  sums(along_columns, wide.data(), W * channels, out);
}

}  // namespace tessera::image
