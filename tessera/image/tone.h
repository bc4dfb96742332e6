// Changing each value of a picture by itself, as Pillow's ImageOps does, bit for bit. (H, W, C) in place.
#pragma once

#include "tessera/image/picture.h"

namespace tessera::image {

// 255 - v
void invert(Picture& picture);
// Keeps the highest `bits` bits, 0 to 8.
void posterize(Picture& picture, int bits);
// v < threshold ? v : 255 - v
void solarize(Picture& picture, double threshold);
// v < 128 ? min(255, v + add) : v; add >= 0
void solarize_add(Picture& picture, int add);
// Stretches each channel so that its least value becomes 0 and its largest 255.
void auto_contrast(Picture& picture);
// Makes each channel's histogram as flat as a map of its values can.
void equalize(Picture& picture);

}  // namespace tessera::image
