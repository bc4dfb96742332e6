// Pooling with PyTorch's rules, by looking at every position of the padded picture.
#pragma once

#include "tessera/ops/pooling.h"
#include "tests/harness/array.h"

namespace tessera::test {

// The number of windows: each is tried. With ceil_mode a window may stick out but must start before the padding after.
inline int64_t ref_windows(int64_t extent, int64_t kernel, int64_t stride, int64_t before, int64_t after, bool ceil) {
  int64_t windows = 0;
  for (int64_t start = 0; start < extent + before + after; start += stride) {
    const bool inside = start + kernel <= extent + before + after;
    // A rounded-up count has at most one window that sticks out.
    const bool follows = windows > 0 && start - stride + kernel < extent + before + after;
    if (inside || (ceil && follows && start < extent + before)) ++windows;
  }
  return windows;
}

// x (B, H, W, C) -> (B, Ho, Wo, C)
template <class T>
Array<T> ref_pool2d(const Array<T>& x, const ops::PoolOptions& o, bool max) {
  const int64_t B = x.size(0), H = x.size(1), W = x.size(2), C = x.size(3);
  const auto& pad = o.padding;
  const int64_t Ho = ref_windows(H, o.kernel.h, o.stride.h, pad.top, pad.bottom, o.ceil_mode);
  const int64_t Wo = ref_windows(W, o.kernel.w, o.stride.w, pad.left, pad.right, o.ceil_mode);
  Array<T> y(Shape{B, Ho, Wo, C});
  for (int64_t b = 0; b < B; ++b)
    for (int64_t i = 0; i < Ho; ++i)
      for (int64_t j = 0; j < Wo; ++j)
        for (int64_t c = 0; c < C; ++c) {
          T largest = T(-1e30), sum = T(0);
          int counted = 0;
          for (int64_t p = 0; p < o.kernel.h; ++p)
            for (int64_t q = 0; q < o.kernel.w; ++q) {
              const int64_t h = i * o.stride.h + p - pad.top, w = j * o.stride.w + q - pad.left;
              if (h >= H + pad.bottom || w >= W + pad.right) continue;  // sticks out
              const bool pixel = h >= 0 && h < H && w >= 0 && w < W;
              if (pixel || o.count_include_pad) ++counted;
              if (!pixel) continue;
              if (x(b, h, w, c) > largest) largest = x(b, h, w, c);
              sum += x(b, h, w, c);
            }
          y(b, i, j, c) = max ? largest : sum / T(counted);
        }
  return y;
}

// The mean over rows ⌊i·H/Ho⌋ … ⌈(i + 1)·H/Ho⌉ - 1, and columns likewise. x (B, H, W, C) -> (B, Ho, Wo, C)
template <class T>
Array<T> ref_adaptive_avg_pool2d(const Array<T>& x, int64_t Ho, int64_t Wo) {
  const int64_t B = x.size(0), H = x.size(1), W = x.size(2), C = x.size(3);
  const auto inside = [](int64_t pixel, int64_t i, int64_t extent, int64_t parts) {
    const double part = static_cast<double>(extent) / static_cast<double>(parts), at = static_cast<double>(pixel);
    return at > static_cast<double>(i) * part - 1 + 1e-9 && at < static_cast<double>(i + 1) * part - 1e-9;
  };
  Array<T> y(Shape{B, Ho, Wo, C});
  for (int64_t b = 0; b < B; ++b)
    for (int64_t i = 0; i < Ho; ++i)
      for (int64_t j = 0; j < Wo; ++j)
        for (int64_t c = 0; c < C; ++c) {
          T sum = T(0);
          int counted = 0;
          for (int64_t h = 0; h < H; ++h)
            for (int64_t w = 0; w < W; ++w) {
              if (!inside(h, i, H, Ho) || !inside(w, j, W, Wo)) continue;
              sum += x(b, h, w, c);
              ++counted;
            }
          y(b, i, j, c) = sum / T(counted);
        }
  return y;
}

// x (B, N, D) -> (B, D)
template <class T>
Array<T> ref_mean_tokens(const Array<T>& x, int64_t first) {
  const int64_t B = x.size(0), N = x.size(1), D = x.size(2);
  Array<T> y(Shape{B, D});
  for (int64_t b = 0; b < B; ++b)
    for (int64_t n = first; n < N; ++n)
      for (int64_t d = 0; d < D; ++d) y(b, d) += x(b, n, d) / T(static_cast<double>(N - first));
  return y;
}

// Over the tokens that the mask (B, N) lets count; 0 where there are none.
template <class T>
Array<T> ref_mean_tokens(const Array<T>& x, const std::vector<uint8_t>& mask) {
  const int64_t B = x.size(0), N = x.size(1), D = x.size(2);
  Array<T> y(Shape{B, D});
  for (int64_t b = 0; b < B; ++b) {
    int count = 0;
    for (int64_t n = 0; n < N; ++n) count += mask[static_cast<size_t>(b * N + n)];
    for (int64_t n = 0; n < N; ++n)
      for (int64_t d = 0; d < D && mask[static_cast<size_t>(b * N + n)]; ++d) y(b, d) += x(b, n, d) / T(count);
  }
  return y;
}

}  // namespace tessera::test
