#include "tessera/kernels/binary_cross_entropy.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "tessera/core/parallel.h"
#include "tessera/kernels/profile.h"

namespace tessera::kernels {
namespace {

int64_t grain_of(int64_t K) { return std::max<int64_t>(4096 / std::max<int64_t>(K, 1), 1); }  // rows

// l of one element.
float weight_of(const float* positive_weights, int64_t k, float target) {
  return positive_weights ? 1 + (positive_weights[k] - 1) * target : 1;
}

}  // namespace

void binary_cross_entropy_forward(Context& context, const BinaryCrossEntropyForward& a) {
  const Measured measured(context, [&] { return memory_work("binary cross-entropy", a.B * a.K, 2); });
  std::vector<double> losses(static_cast<size_t>(a.B));
  parallel_for(a.B, grain_of(a.K), [&](int64_t begin, int64_t end) {
    for (int64_t b = begin; b < end; ++b) {
      double sum = 0;
      for (int64_t k = 0; k < a.K; ++k) {
        const float x = a.logits[b * a.K + k], t = a.targets[b * a.K + k];
        const float softplus = std::max(-x, 0.0f) + std::log1p(std::exp(-std::abs(x)));
        sum += (1 - static_cast<double>(t)) * x + static_cast<double>(weight_of(a.positive_weights, k, t)) * softplus;
      }
      losses[static_cast<size_t>(b)] = sum;
    }
  });
  double loss = 0;
  for (const double of_row : losses) loss += of_row;
  *a.loss = static_cast<float>(loss / a.divisor);
}

void binary_cross_entropy_backward(Context& context, const BinaryCrossEntropyBackward& a) {
  const Measured measured(context, [&] { return memory_work("binary cross-entropy, backward", a.B * a.K, 3); });
  const auto scale = static_cast<float>(a.dloss / a.divisor);
  parallel_for(a.B, grain_of(a.K), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin * a.K; i < end * a.K; ++i) {
      const float x = a.logits[i], t = a.targets[i], small = std::exp(-std::abs(x));
      const float sigmoid = (x >= 0 ? 1 : small) / (1 + small), opposite = (x >= 0 ? small : 1) / (1 + small);
      // Without weights σ(x) - t, which loses nothing to cancellation.
      const float slope =
          a.positive_weights ? (1 - t) - weight_of(a.positive_weights, i % a.K, t) * opposite : sigmoid - t;
      a.dx.data[i] = scale * slope + (a.dx.accumulate ? a.dx.data[i] : 0);
    }
  });
}

}  // namespace tessera::kernels
