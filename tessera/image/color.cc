#include "tessera/image/color.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "tessera/core/error.h"
#include "tessera/image/geometry.h"

namespace tessera::image {
namespace {

uint8_t clipped(float value) { return static_cast<uint8_t>(std::clamp(value, 0.0f, 255.0f)); }

// The same degenerate value for every pixel: a table does it.
void blend_with(Picture& picture, int degenerate, double factor) {
  const auto f = static_cast<float>(factor);
  std::array<uint8_t, 256> table;
  for (int v = 0; v < 256; ++v) {
    table[static_cast<size_t>(v)] = clipped(static_cast<float>(degenerate) + f * static_cast<float>(v - degenerate));
  }
  for (uint8_t& value : picture.pixels) value = table[value];
}

// Halves away from zero, clipped.
uint8_t rounded(double value) { return static_cast<uint8_t>(std::clamp(std::round(value), 0.0, 255.0)); }

struct Hsv {
  uint8_t h, s, v;
};

Hsv to_hsv(const uint8_t* rgb) {
  const int r = rgb[0], g = rgb[1], b = rgb[2];
  const int high = std::max({r, g, b}), low = std::min({r, g, b});
  const auto v = static_cast<uint8_t>(high);
  if (high == low) return {0, 0, v};
  const auto range = static_cast<float>(high - low);
  const float s = range / static_cast<float>(high);
  const float rc = static_cast<float>(high - r) / range;
  const float gc = static_cast<float>(high - g) / range;
  const float bc = static_cast<float>(high - b) / range;
  const float sextant = r == high   ? bc - gc
                        : g == high ? static_cast<float>(2.0 + rc - bc)
                                    : static_cast<float>(4.0 + gc - rc);
  const auto h = static_cast<float>(std::fmod(sextant / 6.0 + 1.0, 1.0));
  return {static_cast<uint8_t>(h * 255.0), static_cast<uint8_t>(s * 255.0), v};
}

void from_hsv(const Hsv& hsv, uint8_t* rgb) {
  const uint8_t v = hsv.v;
  if (hsv.s == 0) {
    rgb[0] = rgb[1] = rgb[2] = v;
    return;
  }
  const double turn = hsv.h * 6.0 / 255.0;
  const int sextant = static_cast<int>(turn);
  const auto f = static_cast<float>(turn - sextant);
  const float s = static_cast<float>(hsv.s) / 255.0f;
  const uint8_t p = rounded(v * (1.0 - s));
  const uint8_t q = rounded(v * (1.0 - s * f));
  const uint8_t t = rounded(v * (1.0 - s * (1.0 - f)));
  const std::array<std::array<uint8_t, 3>, 6> colours = {
      {{v, t, p}, {q, v, p}, {p, v, t}, {p, q, v}, {t, p, v}, {v, p, q}}};
  const auto& colour = colours[static_cast<size_t>(sextant % 6)];
  std::copy(colour.begin(), colour.end(), rgb);
}

int64_t pixel_count(const Picture& picture) { return picture.height * picture.width; }

}  // namespace

void adjust_brightness(Picture& picture, double factor) { blend_with(picture, 0, factor); }

void adjust_contrast(Picture& picture, double factor) {
  const int64_t pixels = pixel_count(picture);
  if (pixels == 0) return;
  int64_t sum = 0;
  for (int64_t i = 0; i < pixels; ++i) {
    sum += picture.channels == 3 ? luma(picture.pixels.data() + 3 * i) : picture.pixels[static_cast<size_t>(i)];
  }
  const double mean = static_cast<double>(sum) / static_cast<double>(pixels);
  blend_with(picture, static_cast<int>(mean + 0.5), factor);
}

void adjust_saturation(Picture& picture, double factor) {
  if (picture.channels != 3) return;
  const auto f = static_cast<float>(factor);
  std::array<float, 511> scaled;  // f · (pixel - luma)
  for (int d = -255; d <= 255; ++d) scaled[static_cast<size_t>(d + 255)] = f * static_cast<float>(d);
  for (int64_t i = 0; i < pixel_count(picture); ++i) {
    uint8_t* rgb = picture.pixels.data() + 3 * i;
    const int gray = luma(rgb);
    for (int c = 0; c < 3; ++c) {
      rgb[c] = clipped(static_cast<float>(gray) + scaled[static_cast<size_t>(rgb[c] - gray + 255)]);
    }
  }
}

void adjust_hue(Picture& picture, double factor) {
  TESSERA_CHECK(factor >= -0.5 && factor <= 0.5, "adjust_hue: the factor must be in [-0.5, 0.5], not {}", factor);
  if (picture.channels != 3) return;
  const auto turn = static_cast<uint8_t>(static_cast<int>(factor * 255));
  for (int64_t i = 0; i < pixel_count(picture); ++i) {
    uint8_t* rgb = picture.pixels.data() + 3 * i;
    Hsv hsv = to_hsv(rgb);
    hsv.h = static_cast<uint8_t>(hsv.h + turn);
    from_hsv(hsv, rgb);
  }
}

Jitter draw_jitter(const JitterStrength& strength, Random& random) {
  Jitter jitter;
  for (size_t i = 3; i > 0; --i) std::swap(jitter.order[i], jitter.order[random.below(i + 1)]);
  const std::array<double, 4> strengths = {strength.brightness, strength.contrast, strength.saturation, strength.hue};
  for (size_t i = 0; i < 4; ++i) {
    const double s = strengths[i];
    jitter.enabled[i] = s > 0;
    if (!jitter.enabled[i]) continue;
    jitter.factors[i] = i == Jitter::hue ? random.uniform(-s, s) : random.uniform(std::max(0.0, 1 - s), 1 + s);
  }
  return jitter;
}

void apply(Picture& picture, const Jitter& jitter) {
  for (Jitter::Operation operation : jitter.order) {
    if (!jitter.enabled[operation]) continue;
    const double factor = jitter.factors[operation];
    switch (operation) {
      case Jitter::brightness:
        adjust_brightness(picture, factor);
        break;
      case Jitter::contrast:
        adjust_contrast(picture, factor);
        break;
      case Jitter::saturation:
        adjust_saturation(picture, factor);
        break;
      case Jitter::hue:
        adjust_hue(picture, factor);
        break;
    }
  }
}

}  // namespace tessera::image
