// Plain loops: memory is what they wait for.
#include "tessera/kernels/lamb.h"

#include <cmath>

namespace tessera::kernels {

LambSquares lamb_update(Context&, const LambUpdate& a) {
  LambSquares squares;
  for (int64_t i = 0; i < a.n; ++i) {
    const float p = a.parameter[i], g = a.gradient[i] * a.gradient_scale;
    const float m = a.first[i] + a.fresh1 * (g - a.first[i]);
    const float v = a.beta2 * a.second[i] + a.fresh2 * g * g;
    const float u = m * a.correction / (std::sqrt(v) * a.rsqrt_correction + a.eps) + a.weight_decay * p;
    a.first[i] = m;
    a.second[i] = v;
    a.update[i] = u;
    squares.parameter += static_cast<double>(p) * p;
    squares.update += static_cast<double>(u) * u;
  }
  return squares;
}

void lamb_apply(Context&, float* parameter, const float* update, int64_t n, float rate) {
  for (int64_t i = 0; i < n; ++i) parameter[i] -= rate * update[i];
}

}  // namespace tessera::kernels
