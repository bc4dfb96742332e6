#include "tessera/ops/complex_cross_entropy.h"

#include "tessera/ops/add.h"
#include "tessera/ops/cross_entropy.h"
#include "tessera/ops/polar.h"

namespace tessera::ops {

Tensor complex_cross_entropy(const Tensor& z, const Tensor& targets, const ComplexCrossEntropyOptions& options) {
  TESSERA_CHECK(
      z.rank() == 2 && targets.rank() == 2 && z.size(0) == targets.size(0) && z.size(1) == 2 * targets.size(1),
      "complex_cross_entropy: targets (B, K) need z (B, 2·K), but they are {} and {}", to_string(targets.shape()),
      to_string(z.shape()));
  const double divisor = options.divisor != 0 ? options.divisor : static_cast<double>(z.size(0));
  const Tensor by_magnitude = soft_cross_entropy(magnitude(z), targets, {.divisor = 2 * divisor});
  if (options.phase_weight == 0) return by_magnitude;
  const double share = options.phase_weight / (2 * divisor * static_cast<double>(targets.size(1)));
  const Tensor weights = targets.clone();
  for (float& weight : weights.span()) weight *= static_cast<float>(-share);
  return add(by_magnitude, weighted_phase(z, weights));
}

}  // namespace tessera::ops
