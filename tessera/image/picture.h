// A picture in memory: 8-bit pixels, row-major, gray or RGB.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

namespace tessera::image {

struct Picture {
  int64_t height = 0;
  int64_t width = 0;
  int64_t channels = 0;         // 1 (gray) or 3 (RGB)
  std::vector<uint8_t> pixels;  // (height, width, channels), no padding

  Picture() = default;
  // Black.
  Picture(int64_t height, int64_t width, int64_t channels)
      : Picture(height, width, channels, std::vector<uint8_t>(static_cast<size_t>(height * width * channels))) {}
  Picture(int64_t height, int64_t width, int64_t channels, std::vector<uint8_t> pixels)
      : height(height), width(width), channels(channels), pixels(std::move(pixels)) {}

  int64_t row_bytes() const { return width * channels; }
  uint8_t* row(int64_t y) { return pixels.data() + y * row_bytes(); }
  const uint8_t* row(int64_t y) const { return pixels.data() + y * row_bytes(); }
  uint8_t at(int64_t y, int64_t x, int64_t c) const { return row(y)[x * channels + c]; }
  bool operator==(const Picture&) const = default;
};

// A part of a picture, in pixels. What it is drawn for says whether it may reach outside.
struct Rectangle {
  int64_t top = 0;
  int64_t left = 0;
  int64_t height = 0;
  int64_t width = 0;
  bool operator==(const Rectangle&) const = default;
};

// Which part of a picture of that size will be looked at: not empty, inside the picture. Empty function: all of it.
using Need = std::function<Rectangle(int64_t height, int64_t width)>;

}  // namespace tessera::image
