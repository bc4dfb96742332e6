// Random erasing (Zhong et al., "Random Erasing Data Augmentation", 2017) as timm does it: after normalisation.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "tessera/core/options.h"
#include "tessera/core/random.h"
#include "tessera/image/picture.h"

namespace tessera::image {

struct ErasingOptions {
  double probability = 0;
  std::string fill = "pixel";  // "const": 0, "rand": one N(0, 1) a channel, "pixel": one N(0, 1) a value
  std::vector<double> area = {0.02, 1.0 / 3.0};  // of the picture's, at least and at most
  double aspect = 0.3;                           // height / width, drawn log-uniformly from here to its inverse

  void visit(Options& o);
};

// Height and width of an erased part with that area and height / width, or nothing where it does not leave a row and a
// column of the picture.
std::optional<Rectangle> erased_size(int64_t height, int64_t width, double area, double aspect);

struct Erasing {
  Rectangle part;
  std::vector<float> fill;  // (C) for all pixels, or (part.height, part.width, C)
};
// Nothing where the coin or ten tries say so. The options have passed the check of augment.h.
std::optional<Erasing> draw_erasing(const ErasingOptions& options, int64_t height, int64_t width, int64_t channels,
                                    Random& random);

// pixels: (height, width, channels), normalised, in place. `part` lies inside.
void erase(float* pixels, int64_t width, int64_t channels, const Rectangle& part, std::span<const float> fill);

}  // namespace tessera::image
