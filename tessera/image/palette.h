// Pictures stored as indices into a table of colours.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "tessera/image/picture.h"

namespace tessera::image {

// Colours that a file does not tell are gray levels, as in Pillow.
using Palette = std::array<std::array<uint8_t, 3>, 256>;

inline Palette gray_palette() {
  Palette palette;
  for (size_t i = 0; i < 256; ++i) palette[i].fill(static_cast<uint8_t>(i));
  return palette;
}

// indices (H, W) -> (H, W, 3)
inline Picture coloured(int64_t height, int64_t width, const std::vector<uint8_t>& indices, const Palette& palette) {
  Picture out(height, width, 3);
  uint8_t* to = out.pixels.data();
  for (const uint8_t index : indices) {
    for (const uint8_t value : palette[index]) *to++ = value;
  }
  return out;
}

}  // namespace tessera::image
