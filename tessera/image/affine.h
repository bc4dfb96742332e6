// Turning, shearing and moving pictures as Pillow's Image.transform and Image.rotate do, bit for bit.
#pragma once

#include <array>
#include <cstdint>

#include "tessera/image/picture.h"
#include "tessera/image/resize.h"

namespace tessera::image {

using Colour = std::array<uint8_t, 3>;  // of one channel: the first

// a, b, c, d, e, f: pixel (x, y) of the result is what lies at (a (x+½) + b (y+½) + c, d (x+½) + e (y+½) + f).
using Affine = std::array<double, 6>;

// (H, W, C) -> (H, W, C); `fill` where that is outside. filter: nearest, bilinear or bicubic, whose kernel here has
// a = -1, not -0.5 as in resize().
Picture transformed(const Picture& picture, const Affine& matrix, Filter filter, const Colour& fill = {});

// By degrees counter-clockwise about the centre, the size unchanged.
Picture rotated(const Picture& picture, double degrees, Filter filter, const Colour& fill = {});

}  // namespace tessera::image
