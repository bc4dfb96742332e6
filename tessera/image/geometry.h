// Moving pixels without changing them: mirror, turn, cut out, pad, gray and back.
#pragma once

#include <array>
#include <cstdint>

#include "tessera/image/picture.h"

namespace tessera::image {

Picture flip_left_right(const Picture& picture);
Picture flip_top_bottom(const Picture& picture);

// As it is meant to be seen, given its EXIF orientation 1 to 8 (see exif.h). 5 to 8 swap height and width.
Picture oriented(Picture picture, int orientation);

// What lies outside a picture: one colour, or the picture mirrored at its edge pixel, which is not repeated.
enum class Border { constant, reflect };

// The pixels of `part`, which may reach outside: cropping, padding and both at once. `fill` is a colour, used by
// Border::constant (one channel: fill[0]).
Picture window(const Picture& picture, const Rectangle& part, Border border = Border::constant,
               std::array<uint8_t, 3> fill = {0, 0, 0});

// Luma as Pillow's convert("L"): (19595 R + 38470 G + 7471 B + 32768) >> 16.
inline uint8_t luma(const uint8_t* rgb) {
  return static_cast<uint8_t>((19595u * rgb[0] + 38470u * rgb[1] + 7471u * rgb[2] + 32768u) >> 16);
}

// The same picture with 1 channel (luma) or 3 (gray repeated); unchanged where it has them.
Picture with_channels(Picture picture, int64_t channels);

}  // namespace tessera::image
