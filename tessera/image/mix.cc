#include "tessera/image/mix.h"

#include <algorithm>
#include <cmath>

#include "tessera/core/error.h"

namespace tessera::image {
namespace {

// Gamma(shape, 1) by Marsaglia and Tsang, "A simple method for generating gamma variables" (2000).
double draw_gamma(double shape, Random& random) {
  if (shape < 1) return draw_gamma(shape + 1, random) * std::pow(1 - random.uniform(), 1 / shape);
  const double d = shape - 1.0 / 3.0, c = 1 / std::sqrt(9 * d);
  while (true) {
    const double x = random.normal();
    const double v = std::pow(1 + c * x, 3);
    if (v > 0 && std::log(1 - random.uniform()) < x * x / 2 + d - d * v + d * std::log(v)) return d * v;
  }
}

// Two samples of a batch, or one with itself, each mixed with the other.
void mixup_pair(float* a, float* b, int64_t count, float lambda, float rest) {
  for (int64_t i = 0; i < count; ++i) {
    const float own = a[i], other = b[i];
    a[i] = own * lambda + other * rest;
    b[i] = other * lambda + own * rest;
  }
}

void swap_part(float* a, float* b, int64_t width, int64_t channels, const Rectangle& part) {
  for (int64_t y = part.top; y < part.top + part.height; ++y) {
    const int64_t begin = (y * width + part.left) * channels;
    std::swap_ranges(a + begin, a + begin + part.width * channels, b + begin);
  }
}

}  // namespace

void MixOptions::visit(Options& o) {
  o("mixup", mixup, "alpha of mixup, 0: off").at_least(0);
  o("cutmix", cutmix, "alpha of CutMix, 0: off").at_least(0);
  o("mix_probability", probability, "probability that a batch is mixed").at_least(0).at_most(1);
  o("prefer_cutmix", prefer_cutmix, "probability of CutMix where mixup is on too").at_least(0).at_most(1);
}

double draw_beta(double a, double b, Random& random) {
  const double x = draw_gamma(a, random), y = draw_gamma(b, random);
  return x + y > 0 ? x / (x + y) : 0.5;
}

Rectangle cutmix_part(int64_t height, int64_t width, double lambda, int64_t centre_y, int64_t centre_x) {
  const double ratio = std::sqrt(1 - lambda);
  const auto h = static_cast<int64_t>(static_cast<double>(height) * ratio);
  const auto w = static_cast<int64_t>(static_cast<double>(width) * ratio);
  const int64_t top = std::max<int64_t>(centre_y - h / 2, 0), bottom = std::min(centre_y + (h + 1) / 2, height);
  const int64_t left = std::max<int64_t>(centre_x - w / 2, 0), right = std::min(centre_x + (w + 1) / 2, width);
  return {top, left, bottom - top, right - left};
}

Mix cutmix_of(int64_t height, int64_t width, const Rectangle& part) {
  const double area = static_cast<double>(part.height * part.width) / static_cast<double>(height * width);
  return {Mix::cutmix, 1 - area, part};
}

Mix draw_mix(const MixOptions& options, int64_t height, int64_t width, Random& random) {
  if ((options.mixup <= 0 && options.cutmix <= 0) || !random.coin(options.probability)) return {};
  const bool both = options.mixup > 0 && options.cutmix > 0;
  const bool cutmix = both ? random.coin(options.prefer_cutmix) : options.cutmix > 0;
  const double alpha = cutmix ? options.cutmix : options.mixup;
  const double lambda = draw_beta(alpha, alpha, random);
  if (!cutmix) return {Mix::mixup, lambda, {}};
  const auto centre_y = static_cast<int64_t>(random.below(static_cast<uint64_t>(height)));
  const auto centre_x = static_cast<int64_t>(random.below(static_cast<uint64_t>(width)));
  return cutmix_of(height, width, cutmix_part(height, width, lambda, centre_y, centre_x));
}

void mix_pixels(const Mix& mix, float* pixels, int64_t batch, int64_t height, int64_t width, int64_t channels) {
  if (mix.kind == Mix::none) return;
  const int64_t count = height * width * channels;
  for (int64_t i = 0; i < (batch + 1) / 2; ++i) {
    float* own = pixels + i * count;
    float* other = pixels + (batch - 1 - i) * count;
    if (mix.kind == Mix::mixup) {
      mixup_pair(own, other, count, static_cast<float>(mix.lambda), static_cast<float>(1 - mix.lambda));
    } else if (own != other) {
      swap_part(own, other, width, channels, mix.part);
    }
  }
}

void mix_targets(const Mix& mix, std::span<const int64_t> labels, int64_t classes, double smoothing, float* targets) {
  const double off = smoothing / static_cast<double>(classes);
  const auto off_value = static_cast<float>(off), on_value = static_cast<float>(1 - smoothing + off);
  const auto lambda = static_cast<float>(mix.lambda), rest = static_cast<float>(1 - mix.lambda);
  for (size_t i = 0; i < labels.size(); ++i) {
    const int64_t own = labels[i], other = labels[labels.size() - 1 - i];
    TESSERA_CHECK(own >= 0 && own < classes, "label {} is not one of {} classes", own, classes);
    float* row = targets + static_cast<int64_t>(i) * classes;
    for (int64_t k = 0; k < classes; ++k) {
      const float a = k == own ? on_value : off_value, b = k == other ? on_value : off_value;
      row[k] = mix.kind == Mix::none ? a : a * lambda + b * rest;
    }
  }
}

}  // namespace tessera::image
