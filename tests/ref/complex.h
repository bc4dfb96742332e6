// Complex arithmetic by its definitions, on pairs: planar arrays have C real parts, then C imaginary ones.
#pragma once

#include "tessera/kernels/complex_activation.h"
#include "tessera/ops/pooling.h"
#include "tests/ref/activation.h"
#include "tests/ref/pooling.h"

namespace tessera::test {

inline Dual atan2(Dual y, Dual x) {
  return {std::atan2(y.value, x.value),
          (x.value * y.derivative - y.value * x.derivative) / (x.value * x.value + y.value * y.value)};
}
inline Dual cos(Dual a) { return {std::cos(a.value), -a.derivative * std::sin(a.value)}; }
inline Dual sin(Dual a) { return {std::sin(a.value), a.derivative * std::cos(a.value)}; }
using std::atan2;
using std::cos;
using std::sin;

template <class T>
struct ComplexOf {
  T re = T(0), im = T(0);
};
template <class T>
ComplexOf<T> operator*(ComplexOf<T> a, ComplexOf<T> b) {
  return {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}
template <class T>
ComplexOf<T> operator+(ComplexOf<T> a, ComplexOf<T> b) {
  return {a.re + b.re, a.im + b.im};
}
template <class T>
T magnitude(ComplexOf<T> z) {
  return sqrt(z.re * z.re + z.im * z.im);
}

// The c-th complex number of the p-th row of planar halves.
template <class T>
ComplexOf<T> number(const Array<T>& x, int64_t p, int64_t c) {
  const int64_t C = x.size(-1) / 2;
  return {x[p * 2 * C + c], x[p * 2 * C + C + c]};
}
template <class T>
void set_number(Array<T>& x, int64_t p, int64_t c, ComplexOf<T> z) {
  const int64_t C = x.size(-1) / 2;
  x[p * 2 * C + c] = z.re, x[p * 2 * C + C + c] = z.im;
}

// Cross-correlation. x (B, H, W, 2·C), w (O, C, kh, kw) in two parts -> (B, Ho, Wo, 2·O)
template <class T>
Array<T> ref_complex_conv2d(const Array<T>& x, const Array<T>& re, const Array<T>& im, int64_t stride, int64_t pad) {
  const int64_t B = x.size(0), H = x.size(1), W = x.size(2), C = x.size(3) / 2;
  const int64_t O = re.size(0), kh = re.size(2), kw = re.size(3);
  const int64_t Ho = (H + 2 * pad - kh) / stride + 1, Wo = (W + 2 * pad - kw) / stride + 1;
  Array<T> y(Shape{B, Ho, Wo, 2 * O});
  for (int64_t position = 0; position < B * Ho * Wo; ++position) {
    const int64_t b = position / (Ho * Wo), i = position / Wo % Ho, j = position % Wo;
    for (int64_t o = 0; o < O; ++o) {
      ComplexOf<T> sum;
      for (int64_t c = 0; c < C; ++c)
        for (int64_t p = 0; p < kh; ++p)
          for (int64_t q = 0; q < kw; ++q) {
            const int64_t h = i * stride + p - pad, w = j * stride + q - pad;
            if (h < 0 || h >= H || w < 0 || w >= W) continue;
            sum = sum + ComplexOf<T>{re(o, c, p, q), im(o, c, p, q)} * number(x, (b * H + h) * W + w, c);
          }
      set_number(y, position, o, sum);
    }
  }
  return y;
}

// x (P, 2·C); parameter: modrelu (C), cprelu (2), else null -> (P, 2·C)
template <class T>
Array<T> ref_complex_activate(const Array<T>& x, kernels::ComplexActivation activation, const Array<T>* parameter) {
  const int64_t P = x.size(0), C = x.size(1) / 2;
  Array<T> y(x.shape);
  for (int64_t p = 0; p < P; ++p)
    for (int64_t c = 0; c < C; ++c) {
      const ComplexOf<T> z = number(x, p, c);
      const T m = magnitude(z);
      ComplexOf<T> result;
      switch (activation) {
        case kernels::ComplexActivation::modrelu:
          if (m + (*parameter)[c] > T(0)) result = ComplexOf<T>{(m + (*parameter)[c]) / m, T(0)} * z;
          break;
        case kernels::ComplexActivation::zrelu:
          if (z.re > T(0) && z.im > T(0)) result = z;
          break;
        case kernels::ComplexActivation::cardioid:
          result = ComplexOf<T>{T(0.5) * (T(1) + cos(atan2(z.im, z.re))), T(0)} * z;
          break;
        case kernels::ComplexActivation::cprelu:
          result = {z.re > T(0) ? z.re : (*parameter)[0] * z.re, z.im > T(0) ? z.im : (*parameter)[1] * z.im};
          break;
      }
      set_number(y, p, c, result);
    }
  return y;
}

// z (P, 2·C) -> (P, C)
template <class T>
Array<T> ref_magnitude(const Array<T>& z) {
  Array<T> m(Shape{z.size(0), z.size(1) / 2});
  for (int64_t i = 0; i < m.shape.numel(); ++i) m[i] = magnitude(number(z, i / m.size(1), i % m.size(1)));
  return m;
}

// x (B, H, W, 2·C) -> (B, Ho, Wo, 2·C): the one of the largest magnitude, found by maximum pooling of the magnitudes.
template <class T>
Array<T> ref_magnitude_pool2d(const Array<T>& x, const ops::PoolOptions& o) {
  const int64_t B = x.size(0), H = x.size(1), W = x.size(2), C = x.size(3) / 2;
  Array<T> magnitudes(Shape{B, H, W, C});
  for (int64_t i = 0; i < B * H * W * C; ++i) magnitudes[i] = magnitude(number(x, i / C, i % C));
  const Array<T> largest = ref_pool2d(magnitudes, o, /*max=*/true);
  Array<T> y(Shape{B, largest.size(1), largest.size(2), 2 * C});
  for (int64_t b = 0; b < B; ++b)
    for (int64_t i = 0; i < y.size(1) * y.size(2) * C; ++i)
      for (int64_t pixel = H * W - 1; pixel >= 0; --pixel) {
        const ComplexOf<T> z = number(x, b * H * W + pixel, i % C);
        const int64_t position = b * y.size(1) * y.size(2) + i / C;
        if (!(magnitude(z) < largest[position * C + i % C]) && !(magnitude(z) > largest[position * C + i % C]))
          set_number(y, position, i % C, z);
      }
  return y;
}

// The HSV cylinder by its angle, from the hexagon's six sides. rgb (P, 3) -> (P, 6)
template <class T>
Array<T> ref_ihsv(const Array<T>& rgb) {
  Array<T> z(Shape{rgb.size(0), 6});
  for (int64_t p = 0; p < rgb.size(0); ++p) {
    T c[3];
    for (int i = 0; i < 3; ++i) c[i] = rgb(p, i) < T(0) ? T(0) : rgb(p, i) > T(1) ? T(1) : rgb(p, i);
    const auto [r, g, b] = c;
    const T most = r > g ? (r > b ? r : b) : (g > b ? g : b), least = r < g ? (r < b ? r : b) : (g < b ? g : b);
    const T saturation = most > T(0) ? (most - least) / most : T(0);
    T hue = T(0);
    if (most > least) {
      const T spread = most - least;
      if (!(r < most)) {
        hue = g < b ? T(6) + (g - b) / spread : (g - b) / spread;
      } else if (!(g < most)) {
        hue = T(2) + (b - r) / spread;
      } else {
        hue = T(4) + (r - g) / spread;
      }
      hue = hue * T(M_PI / 3);
    }
    set_number(z, p, 0, {most, saturation});
    set_number(z, p, 1, {saturation * hue, most});
    set_number(z, p, 2, {saturation * cos(hue), saturation * sin(hue)});
  }
  return z;
}

}  // namespace tessera::test
