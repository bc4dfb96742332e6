#include "tessera/train/ema.h"

#include <algorithm>
#include <cmath>

#include "tessera/kernels/optimizer.h"

namespace tessera::train {

double ema_decay(const EmaOptions& options, int64_t n) {
  if (n <= 1) return 0;
  if (!options.warm_up) return options.decay;
  return std::min(options.decay, 1 - std::pow(static_cast<double>(n), -2.0 / 3.0));
}

void Ema::update(const float* values, int64_t begin, int64_t end, int64_t n) {
  kernels::blend(kernels::cpu_context(), {.x = values + begin,
                                          .average = average_.data() + begin,
                                          .n = end - begin,
                                          .share = static_cast<float>(1 - ema_decay(options_, n))});
}

}  // namespace tessera::train
