// Changing the colours of a picture as Pillow's ImageEnhance and torchvision's adjust_hue do, bit for bit.
//
// Brightness, contrast and saturation blend with a degenerate picture d: trunc(clip(d + factor · (pixel - d), 0, 255)),
// in float32. Factor 1 leaves the picture alone, 0 gives d: black, the mean gray, or the picture in gray.
#pragma once

#include <array>

#include "tessera/core/random.h"
#include "tessera/image/picture.h"

namespace tessera::image {

// (H, W, C) in place. factor >= 0.
void adjust_brightness(Picture& picture, double factor);
void adjust_contrast(Picture& picture, double factor);
void adjust_saturation(Picture& picture, double factor);
// factor in [-0.5, 0.5] of the colour circle, by way of 8-bit HSV: not reversible, even with factor 0. Gray stays.
void adjust_hue(Picture& picture, double factor);

// How far to change colours at random. A strength s stands for a factor in [max(0, 1 - s), 1 + s], for hue in [-s, s].
struct JitterStrength {
  double brightness = 0;
  double contrast = 0;
  double saturation = 0;
  double hue = 0;  // at most 0.5
};

// torchvision's ColorJitter, drawn: the factors and the order in which they are applied.
struct Jitter {
  enum Operation { brightness, contrast, saturation, hue };
  std::array<Operation, 4> order = {brightness, contrast, saturation, hue};
  std::array<double, 4> factors = {1, 1, 1, 0};                // by operation
  std::array<bool, 4> enabled = {false, false, false, false};  // a strength of 0 leaves an operation out
};
Jitter draw_jitter(const JitterStrength& strength, Random& random);
void apply(Picture& picture, const Jitter& jitter);

}  // namespace tessera::image
