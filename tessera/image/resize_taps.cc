#include "tessera/image/resize_taps.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace tessera::image {
namespace {

struct Kernel {
  double support;
  double (*value)(double x);
};

double box(double x) { return x > -0.5 && x <= 0.5 ? 1.0 : 0.0; }

double bilinear(double x) {
  x = std::abs(x);
  return x < 1.0 ? 1.0 - x : 0.0;
}

double hamming(double x) {
  x = std::abs(x);
  if (x == 0.0) return 1.0;
  if (x >= 1.0) return 0.0;
  x *= std::numbers::pi;
  return std::sin(x) / x * (0.54f + 0.46f * std::cos(x));
}

// Keys' cubic with a = -0.5
double bicubic(double x) {
  constexpr double a = -0.5;
  x = std::abs(x);
  if (x < 1.0) return ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0;
  if (x < 2.0) return (((x - 5.0) * x + 8.0) * x - 4.0) * a;
  return 0.0;
}

double sinc(double x) {
  if (x == 0.0) return 1.0;
  x *= std::numbers::pi;
  return std::sin(x) / x;
}

double lanczos(double x) { return x >= -3.0 && x < 3.0 ? sinc(x) * sinc(x / 3.0) : 0.0; }

Kernel kernel_of(Filter filter) {
  switch (filter) {
    case Filter::nearest:
    case Filter::box:
      return {0.5, box};
    case Filter::bilinear:
      return {1.0, bilinear};
    case Filter::hamming:
      return {1.0, hamming};
    case Filter::bicubic:
      return {2.0, bicubic};
    case Filter::lanczos:
      return {3.0, lanczos};
  }
  return {0.5, box};
}

// Halves away from zero.
int32_t to_fixed(double weight) {
  return static_cast<int32_t>(weight * (1 << kWeightBits) + (weight < 0 ? -0.5 : 0.5));
}

}  // namespace

Taps taps(const Axis& axis, Filter filter, int64_t begin, int64_t end) {
  const Kernel kernel = kernel_of(filter);
  const double scale = axis.scale();
  const double stretch = std::max(scale, 1.0);
  const double support = kernel.support * stretch;
  const double shrink = 1.0 / stretch;
  Taps taps;
  taps.stride = 2 * static_cast<int64_t>(std::ceil(support)) + 1;
  taps.weights.assign(static_cast<size_t>((end - begin) * taps.stride), 0);
  std::vector<double> weights(static_cast<size_t>(taps.stride));
  for (int64_t i = begin; i < end; ++i) {
    const double centre = axis.lo + (static_cast<double>(i) + 0.5) * scale;
    const int64_t first = std::max<int64_t>(0, static_cast<int64_t>(centre - support + 0.5));
    const int64_t last = std::min(axis.n, static_cast<int64_t>(centre + support + 0.5));
    double sum = 0;
    for (int64_t x = first; x < last; ++x) {
      const double weight = kernel.value((static_cast<double>(x) - centre + 0.5) * shrink);
      weights[static_cast<size_t>(x - first)] = weight;
      sum += weight;
    }
    int32_t* fixed = taps.weights.data() + (i - begin) * taps.stride;
    for (int64_t t = 0; t < last - first; ++t) {
      const double weight = weights[static_cast<size_t>(t)];
      fixed[t] = to_fixed(sum != 0 ? weight / sum : weight);
    }
    taps.first.push_back(static_cast<int32_t>(first));
    taps.count.push_back(static_cast<int32_t>(last - first));
  }
  return taps;
}

std::vector<int32_t> nearest_inputs(const Axis& axis, int64_t begin, int64_t end) {
  const double step = axis.scale();
  double x = axis.lo + step * 0.5;
  std::vector<int32_t> inputs;
  for (int64_t i = 0; i < end; ++i, x += step) {
    if (i >= begin) inputs.push_back(static_cast<int32_t>(std::clamp<int64_t>(static_cast<int64_t>(x), 0, axis.n - 1)));
  }
  return inputs;
}

}  // namespace tessera::image
