// Pooling: the largest or the mean value under a sliding window, and the mean over tokens.
#pragma once

#include <cstdint>

#include "tessera/kernels/context.h"
#include "tessera/kernels/window2d.h"

namespace tessera::kernels {

struct Pool2dShape {
  int64_t B, H, W, C;
  Window2d window;  // the padding is less than the kernel, so that every window sees a pixel
  Extent2d out;     // number of windows; the last ones may stick out of the padded picture
};

// y[b, i, j, c] = max over the pixels under the window. Of equal ones the first counts; a NaN is the largest.
struct MaxPool2dForward {
  const float* x;   // (B, H, W, C)
  float* y;         // (B, out.h, out.w, C)
  int32_t* winner;  // (B, out.h, out.w, C): h·W + w of the largest, or null when no backward follows
  Pool2dShape shape;
};
void max_pool2d_forward(Context& context, const MaxPool2dForward& args);

// The same of complex channels, C real parts, then C imaginary ones: the number of the largest magnitude, both parts of
// it, so that a winner stands in both halves and the backward of real channels is that of complex ones.
struct MagnitudePool2dForward {
  const float* x;     // (B, H, W, 2·C)
  float* y;           // (B, out.h, out.w, 2·C)
  int32_t* winner;    // (B, out.h, out.w, 2·C), or null when no backward follows
  Pool2dShape shape;  // its C counts both parts
};
void magnitude_pool2d_forward(Context& context, const MagnitudePool2dForward& args);

// dx[b, winner[b, i, j, c], c] += dy[b, i, j, c]
struct MaxPool2dBackward {
  const float* dy;        // (B, out.h, out.w, C)
  const int32_t* winner;  // (B, out.h, out.w, C)
  Grad dx;                // (B, H, W, C), not null
  Pool2dShape shape;
};
void max_pool2d_backward(Context& context, const MaxPool2dBackward& args);

// y[b, i, j, c] = Σ pixels under the window / their number, where pixels of the padding count as zeros if
// count_padding, and not at all otherwise. What sticks out of the padded picture never counts.
struct AvgPool2dForward {
  const float* x;  // (B, H, W, C)
  float* y;        // (B, out.h, out.w, C)
  Pool2dShape shape;
  bool count_padding;
};
void avg_pool2d_forward(Context& context, const AvgPool2dForward& args);

struct AvgPool2dBackward {
  const float* dy;  // (B, out.h, out.w, C)
  Grad dx;          // (B, H, W, C), not null
  Pool2dShape shape;
  bool count_padding;
};
void avg_pool2d_backward(Context& context, const AvgPool2dBackward& args);

// Adaptive pooling, as in PyTorch: y[b, i, j, c] is the mean over rows ⌊i·H/out.h⌋ … ⌈(i + 1)·H/out.h⌉ - 1, and
// columns likewise.
struct AdaptivePool2dShape {
  int64_t B, H, W, C;
  Extent2d out;
};
struct AdaptiveAvgPool2dForward {
  const float* x;  // (B, H, W, C)
  float* y;        // (B, out.h, out.w, C)
  AdaptivePool2dShape shape;
};
void adaptive_avg_pool2d_forward(Context& context, const AdaptiveAvgPool2dForward& args);

struct AdaptiveAvgPool2dBackward {
  const float* dy;  // (B, out.h, out.w, C)
  Grad dx;          // (B, H, W, C), not null
  AdaptivePool2dShape shape;
};
void adaptive_avg_pool2d_backward(Context& context, const AdaptiveAvgPool2dBackward& args);

// y[b, d] = Σ_n x[b, n, d] / count_b over the n >= first that are not masked; 0 where there are none.
struct MeanTokensForward {
  const float* x;  // (B, N, D)
  float* y;        // (B, D)
  int64_t B, N, D;
  int64_t first;                  // below N
  const uint8_t* mask = nullptr;  // (B, N), 0 where a token does not count and is not looked at; or null
};
void mean_tokens_forward(Context& context, const MeanTokensForward& args);

struct MeanTokensBackward {
  const float* dy;  // (B, D)
  Grad dx;          // (B, N, D), not null
  int64_t B, N, D;
  int64_t first;
  const uint8_t* mask = nullptr;  // (B, N)
};
void mean_tokens_backward(Context& context, const MeanTokensBackward& args);

}  // namespace tessera::kernels
