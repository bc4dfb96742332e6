// Dropout: Srivastava et al., "Dropout: A Simple Way to Prevent Neural Networks from Overfitting" (2014), with what is
// kept scaled up instead of the weights down. Drop path: Huang et al., "Deep Networks with Stochastic Depth" (2016).
//
//   y = x / (1 - p) where u >= p, else 0,   u uniform in [0, 1)
//
// u is uniform_from() a word of random_words(key, step, first_sample + s): for dropout the word of the element's index
// within the sample, for drop path word 0 for the whole sample. Both are their own backward: dx is dy dropped alike.
#pragma once

#include <cstdint>

#include "tessera/kernels/context.h"

namespace tessera::kernels {

struct Dropout {
  const float* x;  // (samples, n)
  Grad y;          // (samples, n), not null
  int64_t samples, n;
  float p;  // in [0, 1)
  uint64_t key, step, first_sample;
};
void dropout(Context& context, const Dropout& args);
void drop_path(Context& context, const Dropout& args);

}  // namespace tessera::kernels
