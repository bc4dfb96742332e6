// Plain loops: memory is what they wait for.
#include "tessera/kernels/lion.h"

namespace tessera::kernels {
namespace {

float sign(float x) { return static_cast<float>((x > 0) - (x < 0)); }

}  // namespace

void lion_step(Context&, const LionStep& a) {
  for (int64_t i = 0; i < a.n; ++i) {
    const float g = a.gradient[i] * a.gradient_scale, m = a.momentum[i];
    const float direction = sign(m + a.fresh1 * (g - m));
    const float kept = a.caution && !(direction * g > 0) ? 0 : direction;
    a.parameter[i] = a.parameter[i] * a.shrink - a.rate * kept;
    a.momentum[i] = m + a.fresh2 * (g - m);
  }
}

int64_t lion_agreements(Context&, const LionStep& a) {
  int64_t count = 0;
  for (int64_t i = 0; i < a.n; ++i) {
    const float g = a.gradient[i] * a.gradient_scale, m = a.momentum[i];
    count += sign(m + a.fresh1 * (g - m)) * g > 0;
  }
  return count;
}

}  // namespace tessera::kernels
