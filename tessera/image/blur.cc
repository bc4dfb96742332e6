#include "tessera/image/blur.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "tessera/core/error.h"
#include "tessera/image/color.h"
#include "tessera/image/geometry.h"

namespace tessera::image {
namespace {

constexpr int kBoxes = 3;  // along each axis

// (Σ neighbours + 4 · centre) / 13, rounded.
Picture smoothed(const Picture& picture) {
  Picture out = picture;
  const int64_t channels = picture.channels, last = (picture.width - 1) * channels;
  for (int64_t y = 1; y + 1 < picture.height; ++y) {
    const uint8_t *above = picture.row(y - 1), *row = picture.row(y), *below = picture.row(y + 1);
    uint8_t* to = out.row(y);
    for (int64_t x = channels; x < last; ++x) {
      int sum = 4 * row[x];
      for (const int64_t at : {x - channels, x, x + channels}) sum += above[at] + row[at] + below[at];
      to[x] = static_cast<uint8_t>((2 * sum + 13) / 26);
    }
  }
  return out;
}

// One box of fractional radius: `whole` pixels on both sides count fully, the next ones partly. Weights are of 2^24.
struct Box {
  int64_t whole = 0;
  uint32_t weight = 0, edge_weight = 0;
};

Box box_of(double radius) {
  const auto sigma = static_cast<float>(radius);
  const float variance = sigma * sigma / kBoxes;
  const auto length = static_cast<float>(std::sqrt(12.0 * variance + 1.0));
  const auto l = static_cast<float>(std::floor((length - 1.0) / 2.0));
  float part = (2 * l + 1) * (l * (l + 1) - 3 * variance);
  part /= 6 * (variance - (l + 1) * (l + 1));
  const float box_radius = l + part;
  Box box;
  box.whole = static_cast<int64_t>(box_radius);
  box.weight = static_cast<uint32_t>((1 << 24) / (box_radius * 2 + 1));
  box.edge_weight = ((1u << 24) - (2 * static_cast<uint32_t>(box.whole) + 1) * box.weight) / 2;
  return box;
}

// n values at a distance of `stride`, in place; the first and the last one go on beyond the ends. `buffer`: room for
// n + 2 whole + 2 values.
void blur_line(uint8_t* line, int64_t n, int64_t stride, const Box& box, std::vector<uint8_t>& buffer) {
  const int64_t reach = box.whole + 1;
  uint8_t* values = buffer.data() + reach;  // [-reach, n + reach)
  for (int pass = 0; pass < kBoxes; ++pass) {
    for (int64_t i = 0; i < n; ++i) values[i] = line[i * stride];
    std::fill_n(values - reach, reach, values[0]);
    std::fill_n(values + n, reach, values[n - 1]);
    uint32_t sum = 0;  // of the values that count fully
    for (int64_t i = -box.whole; i <= box.whole; ++i) sum += values[i];
    for (int64_t i = 0; i < n; ++i) {
      const uint32_t before = values[i - reach], after = values[i + reach];
      line[i * stride] =
          static_cast<uint8_t>((sum * box.weight + (before + after) * box.edge_weight + (1u << 23)) >> 24);
      sum += after - values[i - box.whole];
    }
  }
}

// The window's weights along one axis, (size).
std::vector<float> gaussian_weights(int64_t size, double sigma) {
  std::vector<float> weights(static_cast<size_t>(size));
  float sum = 0;
  for (int64_t i = 0; i < size; ++i) {
    const auto x = static_cast<float>(static_cast<double>(i - size / 2) / sigma);
    sum += weights[static_cast<size_t>(i)] = std::exp(-0.5f * x * x);
  }
  for (float& weight : weights) weight /= sum;
  return weights;
}

}  // namespace

void adjust_sharpness(Picture& picture, double factor) {
  if (factor == 1) return;
  Picture smooth = smoothed(picture);
  const auto f = static_cast<float>(factor);
  for (size_t i = 0; i < picture.pixels.size(); ++i) {
    const int d = smooth.pixels[i];
    const float value = static_cast<float>(d) + f * static_cast<float>(picture.pixels[i] - d);
    picture.pixels[i] = static_cast<uint8_t>(std::clamp(value, 0.0f, 255.0f));
  }
}

Picture gaussian_blur(const Picture& picture, double radius) {
  TESSERA_CHECK(radius > 0, "gaussian_blur: the radius must be above 0, not {}", radius);
  const Box box = box_of(radius);
  Picture out = picture;
  std::vector<uint8_t> buffer(static_cast<size_t>(std::max(picture.width, picture.height) + 2 * box.whole + 2));
  for (int64_t y = 0; y < out.height; ++y) {
    for (int64_t c = 0; c < out.channels; ++c) blur_line(out.row(y) + c, out.width, out.channels, box, buffer);
  }
  for (int64_t x = 0; x < out.row_bytes(); ++x)
    blur_line(out.pixels.data() + x, out.height, out.row_bytes(), box, buffer);
  return out;
}

Picture gaussian_window(const Picture& picture, int64_t size, double sigma) {
  const int64_t half = size / 2, channels = picture.channels;
  TESSERA_CHECK(size % 2 == 1 && half < picture.height && half < picture.width && sigma > 0,
                "gaussian_window: {} pixels with sigma {} do not fit a picture of {} x {}", size, sigma, picture.width,
                picture.height);
  const std::vector<float> weights = gaussian_weights(size, sigma);
  const Picture wide = window(picture, {-half, -half, picture.height + 2 * half, picture.width + 2 * half},
                              Border::reflect);                                     // (H + 2 half, W + 2 half, C)
  std::vector<float> rows(static_cast<size_t>(wide.height * picture.row_bytes()));  // (H + 2 half, W, C)
  for (int64_t y = 0; y < wide.height; ++y) {
    for (int64_t x = 0; x < picture.row_bytes(); ++x) {
      float sum = 0;
      for (int64_t k = 0; k < size; ++k) sum += weights[static_cast<size_t>(k)] * wide.row(y)[x + k * channels];
      rows[static_cast<size_t>(y * picture.row_bytes() + x)] = sum;
    }
  }
  Picture out(picture.height, picture.width, channels);
  for (int64_t i = 0; i < std::ssize(out.pixels); ++i) {
    float sum = 0;
    for (int64_t k = 0; k < size; ++k)
      sum += weights[static_cast<size_t>(k)] * rows[static_cast<size_t>(i + k * picture.row_bytes())];
    out.pixels[static_cast<size_t>(i)] = static_cast<uint8_t>(std::lrint(std::clamp(sum, 0.0f, 255.0f)));
  }
  return out;
}

}  // namespace tessera::image
