#include "tessera/nn/init.h"

#include <cmath>

namespace tessera::nn {

namespace {
template <class Draw>
Init each(Draw draw) {
  return [draw](const Tensor& x, Random random) {
    for (float& value : x.span()) value = static_cast<float>(draw(random));
  };
}
}  // namespace

Init zeros() { return constant(0); }
Init ones() { return constant(1); }

Init constant(float value) {
  return each([value](Random&) { return value; });
}

Init normal(double deviation) {
  return each([deviation](Random& random) { return deviation * random.normal(); });
}

Init trunc_normal(double deviation) {
  return each([deviation](Random& random) {
    for (;;) {
      const double value = deviation * random.normal();
      if (std::abs(value) <= 2) return value;
    }
  });
}

Init uniform_fan_in(int64_t fan_in) {
  const double bound = 1 / std::sqrt(static_cast<double>(fan_in));
  return each([bound](Random& random) { return random.uniform(-bound, bound); });
}

Init rayleigh_part(double deviation) { return normal(deviation); }

Init xavier_uniform(int64_t fan_in, int64_t fan_out) {
  const double bound = std::sqrt(6 / static_cast<double>(fan_in + fan_out));
  return each([bound](Random& random) { return random.uniform(-bound, bound); });
}

}  // namespace tessera::nn
