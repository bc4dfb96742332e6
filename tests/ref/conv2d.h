// Two-dimensional convolution: the formula of kernels/conv2d.h, term by term.
#pragma once

#include "tessera/kernels/conv2d.h"
#include "tests/harness/array.h"

namespace tessera::test {

// x (B, H, W, C), w (O, C/groups, kh, kw), bias (O) or null -> (B, out.h, out.w, O)
template <class T>
Array<T> ref_conv2d(const Array<T>& x, const Array<T>& w, const Array<T>* bias, kernels::Extent2d stride,
                    kernels::Padding2d padding, int64_t groups) {
  const int64_t B = x.size(0), H = x.size(1), W = x.size(2), O = w.size(0), Cg = w.size(1);
  const int64_t kh = w.size(2), kw = w.size(3);
  const int64_t Ho = (H + padding.top + padding.bottom - kh) / stride.h + 1;
  const int64_t Wo = (W + padding.left + padding.right - kw) / stride.w + 1;
  Array<T> y(Shape{B, Ho, Wo, O});
  for (int64_t b = 0; b < B; ++b)
    for (int64_t i = 0; i < Ho; ++i)
      for (int64_t j = 0; j < Wo; ++j)
        for (int64_t o = 0; o < O; ++o) {
          T sum = bias ? (*bias)[o] : T(0);
          const int64_t first = o / (O / groups) * Cg;  // channel of x
          for (int64_t p = 0; p < kh; ++p)
            for (int64_t q = 0; q < kw; ++q) {
              const int64_t row = i * stride.h + p - padding.top, column = j * stride.w + q - padding.left;
              if (row < 0 || row >= H || column < 0 || column >= W) continue;
              for (int64_t c = 0; c < Cg; ++c) sum += w(o, c, p, q) * x(b, row, column, first + c);
            }
          y(b, i, j, o) = sum;
        }
  return y;
}

}  // namespace tessera::test
