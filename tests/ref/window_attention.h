// Attention within windows as the paper's code does it, step by step: roll, pad, cut into windows, attend in each, put
// together, crop, roll back. Liu et al., "Swin Transformer" (2021), figure 4.
#pragma once

#include <string>

#include "tessera/kernels/window_attention.h"
#include "tests/ref/attention.h"

namespace tessera::test {

template <class T>
struct RefWindowAttention {
  kernels::WindowGrid grid;
  int64_t heads;
  double scale, dropout = 0;
  std::string dropout_path = {};

  // qkv (B, H·W, 3·width), table (T, heads), padding (3·width) -> (B, H·W, width)
  Array<T> operator()(const Array<T>& qkv, const Array<T>& table, const Array<T>& padding) const {
    const int64_t B = qkv.size(0), width = qkv.size(2) / 3;
    const Array<T> bias = dense(table);
    Array<T> y(Shape{B, grid.H * grid.W, width});
    for (int64_t b = 0; b < B; ++b) {
      Array<T> map(Shape{grid.H, grid.W, 3 * width});
      for (int64_t t = 0; t < map.shape.numel(); ++t) map[t] = qkv[b * map.shape.numel() + t];
      if (!grid.pad_first) map = rolled(map, grid.shift.h, grid.shift.w);
      map = padded(map, padding);
      if (grid.pad_first) map = rolled(map, grid.shift.h, grid.shift.w);
      Array<T> out(Shape{map.size(0), map.size(1), width});
      for (int64_t window = 0; window < grid.windows(); ++window) attend(map, bias, b, window, out);
      if (grid.pad_first) out = rolled(out, -grid.shift.h, -grid.shift.w);
      out = cropped(out);
      if (!grid.pad_first) out = rolled(out, -grid.shift.h, -grid.shift.w);
      for (int64_t t = 0; t < out.shape.numel(); ++t) y[b * out.shape.numel() + t] = out[t];
    }
    return y;
  }

 private:
  // Eq. 4: B_ij = table[row difference, column difference].
  Array<T> dense(const Array<T>& table) const {
    const auto [wh, ww] = grid.window;
    Array<T> bias(Shape{heads, wh * ww, wh * ww});
    for (int64_t head = 0; head < heads; ++head)
      for (int64_t i = 0; i < wh * ww; ++i)
        for (int64_t j = 0; j < wh * ww; ++j)
          bias(head, i, j) = table((i / ww - j / ww + wh - 1) * (2 * ww - 1) + (i % ww - j % ww + ww - 1), head);
    return bias;
  }

  // Rows go up by h and columns left by w, and come back at the other end.
  static Array<T> rolled(const Array<T>& x, int64_t h, int64_t w) {
    const int64_t H = x.size(0), W = x.size(1), C = x.size(2);
    Array<T> y(x.shape);
    for (int64_t r = 0; r < H; ++r)
      for (int64_t c = 0; c < W; ++c)
        for (int64_t k = 0; k < C; ++k) y(r, c, k) = x(((r + h) % H + H) % H, ((c + w) % W + W) % W, k);
    return y;
  }

  Array<T> padded(const Array<T>& x, const Array<T>& token) const {
    Array<T> y(Shape{grid.rows() * grid.window.h, grid.columns() * grid.window.w, x.size(2)});
    for (int64_t r = 0; r < y.size(0); ++r)
      for (int64_t c = 0; c < y.size(1); ++c)
        for (int64_t k = 0; k < y.size(2); ++k) y(r, c, k) = r < grid.H && c < grid.W ? x(r, c, k) : token[k];
    return y;
  }

  Array<T> cropped(const Array<T>& x) const {
    Array<T> y(Shape{grid.H, grid.W, x.size(2)});
    for (int64_t r = 0; r < grid.H; ++r)
      for (int64_t c = 0; c < grid.W; ++c)
        for (int64_t k = 0; k < x.size(2); ++k) y(r, c, k) = x(r, c, k);
    return y;
  }

  // As the paper's code numbers them.
  int64_t region(int64_t r, int64_t c) const {
    const auto along = [](int64_t place, int64_t extent, int64_t window, int64_t shift) {
      return shift == 0 || place < extent - window ? 0 : place < extent - shift ? 1 : 2;
    };
    return 3 * along(r, grid.rows() * grid.window.h, grid.window.h, grid.shift.h) +
           along(c, grid.columns() * grid.window.w, grid.window.w, grid.shift.w);
  }

  void attend(const Array<T>& map, const Array<T>& bias, int64_t b, int64_t window, Array<T>& out) const {
    const int64_t M = grid.places(), width = out.size(2), d = width / heads;
    const int64_t top = window / grid.columns() * grid.window.h, left = window % grid.columns() * grid.window.w;
    const auto row = [&](int64_t i) { return top + i / grid.window.w; };
    const auto column = [&](int64_t i) { return left + i % grid.window.w; };
    Array<T> q(Shape{1, M, width}), k(q.shape), v(q.shape);
    for (int64_t i = 0; i < M; ++i) {
      for (int64_t c = 0; c < width; ++c) {
        q(0, i, c) = map(row(i), column(i), c);
        k(0, i, c) = map(row(i), column(i), width + c);
        v(0, i, c) = map(row(i), column(i), 2 * width + c);
      }
    }
    RefAttention<T> attention{heads, scale, {}, bias};
    for (int64_t i = 0; i < M; ++i)
      for (int64_t j = 0; j < M; ++j)
        if (region(row(i), column(i)) != region(row(j), column(j)))
          for (int64_t head = 0; head < heads; ++head) attention.bias(head, i, j) += T(-100);
    for (int64_t head = 0; head < heads; ++head) {
      for (int64_t i = 0; i < M; ++i) {
        const std::vector<T> p = attention.probabilities(q, k, 0, head, i);
        for (int64_t j = 0; j < M; ++j) {
          const double kept = factor(b, ((window * heads + head) * M + i) * M + j);
          for (int64_t c = head * d; c < (head + 1) * d; ++c)
            out(row(i), column(i), c) += T(kept) * p[static_cast<size_t>(j)] * v(0, j, c);
        }
      }
    }
  }

  // What dropout multiplies an element of (windows, heads, M, M) with.
  double factor(int64_t b, int64_t element) const {
    RefAttention<T> draws{heads, scale, {}, {}, dropout, dropout_path};
    return draws.factor(random_key(kSeed, dropout_path), b, element);
  }
};

}  // namespace tessera::test
