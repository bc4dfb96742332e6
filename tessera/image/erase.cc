#include "tessera/image/erase.h"

#include <algorithm>
#include <cmath>

#include "tessera/core/error.h"

namespace tessera::image {
namespace {

constexpr int kTries = 10;

std::vector<float> draw_fill(const std::string& kind, const Rectangle& part, int64_t channels, Random& random) {
  std::vector<float> fill(static_cast<size_t>(kind == "pixel" ? part.height * part.width * channels : channels));
  if (kind != "const") {
    for (float& value : fill) value = static_cast<float>(random.normal());
  }
  return fill;
}

}  // namespace

void ErasingOptions::visit(Options& o) {
  o("erasing", probability, "probability that a part of a picture is erased").at_least(0).at_most(1);
  o("erasing_fill", fill, "0, one random number a channel, or one a value").one_of({"const", "rand", "pixel"});
  o("erasing_area", area, "least and most of the area that is erased").above(0).below(1);
  o("erasing_aspect", aspect, "least height / width; the most is its inverse").above(0).at_most(1);
}

std::optional<Rectangle> erased_size(int64_t height, int64_t width, double area, double aspect) {
  const double pixels = area * static_cast<double>(height * width);
  const int64_t h = std::llrint(std::sqrt(pixels * aspect));
  const int64_t w = std::llrint(std::sqrt(pixels / aspect));
  if (h >= height || w >= width) return std::nullopt;
  return Rectangle{0, 0, h, w};
}

std::optional<Erasing> draw_erasing(const ErasingOptions& options, int64_t height, int64_t width, int64_t channels,
                                    Random& random) {
  if (!random.coin(options.probability)) return std::nullopt;
  const double log_aspect = std::log(options.aspect);
  for (int i = 0; i < kTries; ++i) {
    const double area = random.uniform(options.area[0], options.area[1]);
    const double aspect = std::exp(random.uniform(log_aspect, -log_aspect));
    std::optional<Rectangle> part = erased_size(height, width, area, aspect);
    if (!part) continue;
    part->top = static_cast<int64_t>(random.below(static_cast<uint64_t>(height - part->height + 1)));
    part->left = static_cast<int64_t>(random.below(static_cast<uint64_t>(width - part->width + 1)));
    return Erasing{*part, draw_fill(options.fill, *part, channels, random)};
  }
  return std::nullopt;
}

void erase(float* pixels, int64_t width, int64_t channels, const Rectangle& part, std::span<const float> fill) {
  const int64_t row_values = part.width * channels;
  const bool per_channel = static_cast<int64_t>(fill.size()) == channels;
  TESSERA_CHECK(per_channel || static_cast<int64_t>(fill.size()) == part.height * row_values,
                "erase: {} values fill neither {} channels nor {} x {} pixels of them", fill.size(), channels,
                part.width, part.height);
  for (int64_t y = 0; y < part.height; ++y) {
    float* to = pixels + ((part.top + y) * width + part.left) * channels;
    if (per_channel) {
      for (int64_t x = 0; x < part.width; ++x) std::copy_n(fill.data(), channels, to + x * channels);
    } else {
      std::copy_n(fill.data() + y * row_values, row_values, to);
    }
  }
}

}  // namespace tessera::image
