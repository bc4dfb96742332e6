// Mixing the pictures and labels of a batch: mixup (Zhang et al., 2017) and CutMix (Yun et al., 2019), as timm does it.
// Sample i is mixed with sample B-1-i of the whole batch, so a batch must be mixed before it is split.
#pragma once

#include <cstdint>
#include <span>

#include "tessera/core/options.h"
#include "tessera/core/random.h"
#include "tessera/image/picture.h"

namespace tessera::image {

struct MixOptions {
  double mixup = 0;            // alpha of Beta(alpha, alpha), from which lambda is drawn; 0: never
  double cutmix = 0;           // likewise
  double probability = 1;      // that a batch is mixed at all
  double prefer_cutmix = 0.5;  // where both are on

  void visit(Options& o);
};

// One draw for a batch. x_i = lambda x_i + (1 - lambda) x_j, or x_j inside `part`.
struct Mix {
  enum Kind { none, mixup, cutmix };
  Kind kind = none;
  double lambda = 1;  // the weight of the sample itself; for cutmix 1 - area of the part
  Rectangle part;     // cutmix
};
Mix draw_mix(const MixOptions& options, int64_t height, int64_t width, Random& random);

// A part of int(side · sqrt(1 - lambda)) pixels about the centre, cut off at the picture.
Rectangle cutmix_part(int64_t height, int64_t width, double lambda, int64_t centre_y, int64_t centre_x);
// cutmix with that part, and the lambda that its clipped area gives.
Mix cutmix_of(int64_t height, int64_t width, const Rectangle& part);

// pixels: (batch, height, width, channels), in place.
void mix_pixels(const Mix& mix, float* pixels, int64_t batch, int64_t height, int64_t width, int64_t channels);

// Soft targets of labels in [0, classes), smoothed and then mixed: a label has 1 - s + s/K, the others s/K.
// targets: (labels.size(), classes).
void mix_targets(const Mix& mix, std::span<const int64_t> labels, int64_t classes, double smoothing, float* targets);

// Beta(a, b), a and b > 0.
double draw_beta(double a, double b, Random& random);

}  // namespace tessera::image
