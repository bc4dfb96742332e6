// The built-in data set: pictures drawn by the program, nothing to download.
//
// Each shows one large textured form (its class: arrow, bar, circle, …), shifted and turned, before a darker textured
// background, with small forms of any class behind it and in front of it, under noise. Colours and textures say nothing
// about the class, so that a linear model fails and a small Vision Transformer succeeds.
#pragma once

#include "tessera/data/data_set.h"

namespace tessera::data {

struct ShapesOptions {
  int64_t size = 32;     // pixels, height and width; at least 8
  int64_t classes = 10;  // the first so many forms, 2 to 10
  int64_t pictures = 50000;
  double noise = 0.06;  // half the width of the uniform noise on each value in [0, 1]
  uint64_t seed = 0;
  const char* part = "train";  // another part of the same seed is other pictures
};

// Picture `index` is a pure function of (seed, part, index) and the other options; its class is index % classes.
std::shared_ptr<const DataSet> shapes(const ShapesOptions& options);

}  // namespace tessera::data
