#include "tessera/image/geometry.h"

#include <algorithm>
#include <cstring>

#include "tessera/core/error.h"

namespace tessera::image {
namespace {

void copy_pixel(const uint8_t* from, uint8_t* to, int64_t channels) {
  for (int64_t c = 0; c < channels; ++c) to[c] = from[c];
}

// (H, W, C) -> (W, H, C)
Picture transposed(const Picture& picture) {
  Picture out(picture.width, picture.height, picture.channels);
  const int64_t channels = picture.channels;
  for (int64_t y = 0; y < picture.height; ++y) {
    for (int64_t x = 0; x < picture.width; ++x) {
      copy_pixel(picture.row(y) + x * channels, out.row(x) + y * channels, channels);
    }
  }
  return out;
}

// i of an axis of n pixels that is mirrored at both ends without repeating the edge: -1 -> 1, n -> n - 2.
int64_t reflected(int64_t i, int64_t n) {
  if (n == 1) return 0;
  const int64_t period = 2 * (n - 1);
  i = (i % period + period) % period;
  return i < n ? i : period - i;
}

void fill_pixels(uint8_t* to, int64_t pixels, int64_t channels, const std::array<uint8_t, 3>& fill) {
  for (int64_t x = 0; x < pixels; ++x) copy_pixel(fill.data(), to + x * channels, channels);
}

Picture constant_window(const Picture& picture, const Rectangle& part, const std::array<uint8_t, 3>& fill) {
  Picture out(part.height, part.width, picture.channels);
  const int64_t channels = picture.channels;
  // Columns [first, last) of the result lie inside the picture.
  const int64_t first = std::clamp<int64_t>(-part.left, 0, part.width);
  const int64_t last = std::clamp<int64_t>(picture.width - part.left, first, part.width);
  for (int64_t y = 0; y < part.height; ++y) {
    const int64_t source = part.top + y;
    uint8_t* to = out.row(y);
    if (source < 0 || source >= picture.height || first == last) {
      fill_pixels(to, part.width, channels, fill);
      continue;
    }
    fill_pixels(to, first, channels, fill);
    std::memcpy(to + first * channels, picture.row(source) + (part.left + first) * channels,
                static_cast<size_t>((last - first) * channels));
    fill_pixels(to + last * channels, part.width - last, channels, fill);
  }
  return out;
}

Picture reflected_window(const Picture& picture, const Rectangle& part) {
  Picture out(part.height, part.width, picture.channels);
  const int64_t channels = picture.channels;
  for (int64_t y = 0; y < part.height; ++y) {
    const uint8_t* from = picture.row(reflected(part.top + y, picture.height));
    for (int64_t x = 0; x < part.width; ++x) {
      copy_pixel(from + reflected(part.left + x, picture.width) * channels, out.row(y) + x * channels, channels);
    }
  }
  return out;
}

}  // namespace

Picture flip_left_right(const Picture& picture) {
  Picture out(picture.height, picture.width, picture.channels);
  const int64_t channels = picture.channels;
  for (int64_t y = 0; y < picture.height; ++y) {
    const uint8_t* from = picture.row(y) + (picture.width - 1) * channels;
    uint8_t* to = out.row(y);
    for (int64_t x = 0; x < picture.width; ++x) copy_pixel(from - x * channels, to + x * channels, channels);
  }
  return out;
}

Picture flip_top_bottom(const Picture& picture) {
  Picture out(picture.height, picture.width, picture.channels);
  for (int64_t y = 0; y < picture.height; ++y) {
    std::memcpy(out.row(y), picture.row(picture.height - 1 - y), static_cast<size_t>(picture.row_bytes()));
  }
  return out;
}

Picture oriented(Picture picture, int orientation) {
  switch (orientation) {
    case 1:
      return picture;
    case 2:
      return flip_left_right(picture);
    case 3:
      return flip_left_right(flip_top_bottom(picture));
    case 4:
      return flip_top_bottom(picture);
    case 5:
      return transposed(picture);
    case 6:
      return flip_left_right(transposed(picture));
    case 7:
      return flip_left_right(flip_top_bottom(transposed(picture)));
    case 8:
      return flip_top_bottom(transposed(picture));
  }
  fail("orientation {} is none of EXIF's, 1 to 8", orientation);
}

Picture window(const Picture& picture, const Rectangle& part, Border border, std::array<uint8_t, 3> fill) {
  TESSERA_CHECK(part.height > 0 && part.width > 0, "window: a part of {}x{} pixels is empty", part.width, part.height);
  if (border == Border::constant) return constant_window(picture, part, fill);
  TESSERA_CHECK(picture.height > 0 && picture.width > 0, "window: an empty picture cannot be mirrored at its edges");
  return reflected_window(picture, part);
}

Picture with_channels(Picture picture, int64_t channels) {
  TESSERA_CHECK(channels == 1 || channels == 3, "a picture has 1 channel or 3, not {}", channels);
  if (picture.channels == channels) return picture;
  Picture out(picture.height, picture.width, channels);
  const int64_t pixels = picture.height * picture.width;
  const uint8_t* from = picture.pixels.data();
  uint8_t* to = out.pixels.data();
  if (channels == 1) {
    for (int64_t i = 0; i < pixels; ++i) to[i] = luma(from + 3 * i);
  } else {
    for (int64_t i = 0; i < pixels; ++i) to[3 * i] = to[3 * i + 1] = to[3 * i + 2] = from[i];
  }
  return out;
}

}  // namespace tessera::image
