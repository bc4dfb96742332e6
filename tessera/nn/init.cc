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

Init uniform(double bound) {
  return each([bound](Random& random) { return random.uniform(-bound, bound); });
}

Init uniform_fan_in(int64_t fan_in) { return uniform(1 / std::sqrt(static_cast<double>(fan_in))); }

Init kaiming_normal(int64_t fan) { return normal(std::sqrt(2 / static_cast<double>(fan))); }

Init rayleigh_part(double deviation) { return normal(deviation); }

Init xavier_uniform(int64_t fan_in, int64_t fan_out) {
  return uniform(std::sqrt(6 / static_cast<double>(fan_in + fan_out)));
}

}  // namespace tessera::nn
