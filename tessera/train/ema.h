// The exponential moving average of the weights, which often predicts better than the last ones (Polyak & Juditsky,
// 1992).
#pragma once

#include "tessera/core/tensor.h"

namespace tessera::train {

struct EmaOptions {
  double decay = 0.999;
  // Early weights are forgotten faster: the decay of update n is at most 1 − n^(−2/3).
  bool warm_up = true;
};

// The decay of update n = 1, 2, …: the first update copies, as in timm's ModelEmaV3 called with the number of updates.
double ema_decay(const EmaOptions& options, int64_t n);

class Ema {
 public:
  // values: the flat buffer to average; its present contents count for nothing.
  Ema(const EmaOptions& options, const Tensor& values) : options_(options), average_(Tensor::zeros(values.shape())) {}

  // Elements [begin, end), on the calling thread. values: the weights after update n = 1, 2, …
  void update(const float* values, int64_t begin, int64_t end, int64_t n);
  const Tensor& average() const { return average_; }  // flat

 private:
  EmaOptions options_;
  Tensor average_;
};

}  // namespace tessera::train
