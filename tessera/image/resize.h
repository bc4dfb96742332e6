// Pillow's Image.resize, bit for bit.
//
// Along each axis of n input and N output pixels, with the box [lo, hi] held in float32 and all else in double:
//   scale = float32(hi - lo) / N,  stretch = max(scale, 1),  centre of output i = lo + (i + 0.5) scale,
//   weights K((x - centre + 0.5) / stretch) over the kernel's support times stretch, normalised, then rounded to 22
//   bits; pixel = clip((2^21 + Σ weight · pixel) >> 22, 0, 255), between the passes too.
// The kernel ends at the picture, not at the box: pixels around the box are read. Cutting the box out first and then
// resizing is another result. Nearest takes the pixel at the centre, found by a running sum in double.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "tessera/image/picture.h"

namespace tessera::image {

enum class Filter { nearest, box, bilinear, hamming, bicubic, lanczos };

// Which Pillow decides on the order of the passes. 9.4 goes along the rows first. 13 goes along the columns first if
// H < h and h - H > 2 (w - W), for w x h pixels in and W x H out.
enum class PillowVersion { v9_4, v13 };

// By name, as an option or a model file has it: "nearest", "box", …; "9.4", "13". An unknown name is an Error.
Filter filter_named(std::string_view name);
PillowVersion pillow_named(std::string_view name);

// Edges in input pixels, 0 <= left < right <= width.
struct Box {
  float left, top, right, bottom;
};

struct Resize {
  int64_t height = 0;  // of the result, at least 1
  int64_t width = 0;
  Filter filter = Filter::bicubic;
  PillowVersion pillow = PillowVersion::v13;
  std::optional<Box> box = std::nullopt;           // the whole picture
  std::optional<Rectangle> window = std::nullopt;  // only this part of the result is computed and returned
};

// The part of a picture of height x width pixels that resize() reads.
Rectangle resize_reads(int64_t height, int64_t width, const Resize& how);

// (h, w, C) -> (H, W, C), or (window.height, window.width, C). Pure.
Picture resize(const Picture& picture, const Resize& how);

}  // namespace tessera::image
