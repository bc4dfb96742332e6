#include "tessera/kernels/ihsv.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "tessera/kernels/cpu/loops.h"
#include "tessera/kernels/profile.h"

namespace tessera::kernels {

namespace {

constexpr float kSixth = std::numbers::pi_v<float> / 3;  // of the circle
constexpr int64_t kGrain = 2048;                         // pixels per piece at least: each has a sine and a cosine

struct Hsv {
  float h, s, v;
  int largest, least;  // of red, green, blue: 0, 1, 2
  float spread;        // M - m
};

Hsv hsv_of(const float* pixel) {
  float rgb[3];
  for (int i = 0; i < 3; ++i) rgb[i] = std::clamp(pixel[i], 0.0f, 1.0f);
  const int largest = static_cast<int>(std::max_element(rgb, rgb + 3) - rgb);
  const int least = static_cast<int>(std::min_element(rgb, rgb + 3) - rgb);
  const float v = rgb[largest], spread = v - rgb[least];
  if (spread == 0) return {0, 0, v, largest, least, spread};
  // Behind the largest in the circle red, green, blue come its neighbours, the first with a plus.
  const float off = (rgb[(largest + 1) % 3] - rgb[(largest + 2) % 3]) / spread;
  const float h = kSixth * (off < 0 && largest == 0 ? off + 6 : off + static_cast<float>(2 * largest));
  return {h, spread / v, v, largest, least, spread};
}

}  // namespace

void ihsv_forward(Context& context, const IhsvForward& args) {
  const Measured measured(context, [&] { return memory_work("iHSV", args.P, 9); });
  parallel_for(args.P, kGrain, [&](int64_t begin, int64_t end) {
    for (int64_t p = begin; p < end; ++p) {
      const Hsv c = hsv_of(args.rgb + 3 * p);
      float* z = args.z + 6 * p;
      z[0] = c.v, z[3] = c.s;
      z[1] = c.s * c.h, z[4] = c.v;
      z[2] = c.s * std::cos(c.h), z[5] = c.s * std::sin(c.h);
    }
  });
}

void ihsv_backward(Context& context, const IhsvBackward& args) {
  const Measured measured(context, [&] { return memory_work("iHSV, backward", args.P, 15); });
  parallel_for(args.P, kGrain, [&](int64_t begin, int64_t end) {
    for (int64_t p = begin; p < end; ++p) {
      const float *rgb = args.rgb + 3 * p, *dz = args.dz + 6 * p;
      const Hsv c = hsv_of(rgb);
      const float cosine = std::cos(c.h), sine = std::sin(c.h);
      const float dh = c.s * (dz[1] - dz[2] * sine + dz[5] * cosine);
      const float ds = dz[3] + dz[1] * c.h + dz[2] * cosine + dz[5] * sine;
      float drgb[3] = {};
      drgb[c.largest] += dz[0] + dz[4];  // V
      if (c.v > 0) {                     // S = 1 - m / M
        drgb[c.largest] += ds * (1 - c.s) / c.v;
        drgb[c.least] -= ds / c.v;
      }
      if (c.spread > 0) {  // H = π/3·(2·largest + (a - b) / (M - m))
        const int a = (c.largest + 1) % 3, b = (c.largest + 2) % 3;
        const auto clamped = [&](int i) { return std::clamp(rgb[i], 0.0f, 1.0f); };
        const float off = (clamped(a) - clamped(b)) / c.spread, slope = kSixth * dh / c.spread;
        drgb[a] += slope, drgb[b] -= slope;
        drgb[c.largest] -= slope * off, drgb[c.least] += slope * off;
      }
      for (int i = 0; i < 3; ++i) {
        const float value = rgb[i] < 0 || rgb[i] > 1 ? 0 : drgb[i];
        float& to = args.drgb.data[3 * p + i];
        to = args.drgb.accumulate ? to + value : value;
      }
    }
  });
}

}  // namespace tessera::kernels
