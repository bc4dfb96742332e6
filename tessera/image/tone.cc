#include "tessera/image/tone.h"

#include <algorithm>
#include <array>

namespace tessera::image {
namespace {

using Table = std::array<uint8_t, 256>;
using Histogram = std::array<int64_t, 256>;

template <class Value>
Table table_of(const Value& value) {
  Table table;
  for (int v = 0; v < 256; ++v) table[static_cast<size_t>(v)] = static_cast<uint8_t>(value(v));
  return table;
}

void map_values(Picture& picture, const Table& table) {
  for (uint8_t& value : picture.pixels) value = table[value];
}

// Maps each channel by the table that its histogram gives.
template <class TableOf>
void map_channels(Picture& picture, const TableOf& table_of_histogram) {
  const auto channels = static_cast<size_t>(picture.channels);
  for (size_t c = 0; c < channels; ++c) {
    Histogram counts{};
    for (size_t i = c; i < picture.pixels.size(); i += channels) ++counts[picture.pixels[i]];
    const Table table = table_of_histogram(counts);
    for (size_t i = c; i < picture.pixels.size(); i += channels) picture.pixels[i] = table[picture.pixels[i]];
  }
}

Table identity() {
  return table_of([](int v) { return v; });
}

struct UsedRange {
  int first = 256, last = -1;
};

UsedRange used_range(const Histogram& counts) {
  UsedRange used;
  for (int v = 0; v < 256; ++v) {
    if (counts[static_cast<size_t>(v)] == 0) continue;
    used.first = std::min(used.first, v);
    used.last = v;
  }
  return used;
}

}  // namespace

void invert(Picture& picture) {
  for (uint8_t& value : picture.pixels) value = static_cast<uint8_t>(255 - value);
}

void posterize(Picture& picture, int bits) {
  const int mask = 0xFF << (8 - bits);
  for (uint8_t& value : picture.pixels) value = static_cast<uint8_t>(value & mask);
}

void solarize(Picture& picture, double threshold) {
  map_values(picture, table_of([=](int v) { return v < threshold ? v : 255 - v; }));
}

void solarize_add(Picture& picture, int add) {
  map_values(picture, table_of([=](int v) { return v < 128 ? std::min(255, v + add) : v; }));
}

void auto_contrast(Picture& picture) {
  map_channels(picture, [](const Histogram& counts) {
    const auto [first, last] = used_range(counts);
    if (last <= first) return identity();
    const double scale = 255.0 / (last - first), offset = -first * scale;
    return table_of([=](int v) { return std::clamp(static_cast<int>(v * scale + offset), 0, 255); });
  });
}

void equalize(Picture& picture) {
  map_channels(picture, [](const Histogram& counts) {
    const auto [first, last] = used_range(counts);
    if (last <= first) return identity();
    int64_t pixels = 0;
    for (const int64_t count : counts) pixels += count;
    const int64_t step = (pixels - counts[static_cast<size_t>(last)]) / 255;
    if (step == 0) return identity();
    int64_t below = step / 2;
    return table_of([&](int v) {
      const int64_t level = std::min<int64_t>(255, below / step);
      below += counts[static_cast<size_t>(v)];
      return level;
    });
  });
}

}  // namespace tessera::image
