// Softer and sharper pictures. (H, W, C) each.
#pragma once

#include <cstdint>

#include "tessera/image/picture.h"

namespace tessera::image {

// Pillow's ImageEnhance.Sharpness, bit for bit: 1 leaves the picture alone, 0 smooths it (3 x 3, the centre five times
// the weight of a neighbour; pixels at the edge stay), above 1 sharpens. factor >= 0.
void adjust_sharpness(Picture& picture, double factor);

// Pillow's GaussianBlur, bit for bit: three box blurs of equal variance along each axis. radius: standard deviation in
// pixels, above 0.
Picture gaussian_blur(const Picture& picture, double radius);

// torchvision's gaussian_blur to within one level: a window of size x size pixels (odd), mirrored at the edges. The
// picture is larger than size / 2 pixels on both sides.
Picture gaussian_window(const Picture& picture, int64_t size, double sigma);

}  // namespace tessera::image
