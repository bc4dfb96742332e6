// A window that slides over a picture: what convolutions and pooling have in common.
#pragma once

#include <cstdint>

namespace tessera::kernels {

struct Extent2d {
  int64_t h = 1, w = 1;
};

// Rows and columns around the picture.
struct Padding2d {
  int64_t top = 0, left = 0, bottom = 0, right = 0;
};

struct Window2d {
  Extent2d kernel;
  Extent2d stride;
  Padding2d padding;
};

// How many windows fit into H×W pixels; 0 or less where none does.
constexpr Extent2d windows_in(int64_t H, int64_t W, const Window2d& window) {
  const auto along = [](int64_t extent, int64_t kernel, int64_t stride) {
    return extent < kernel ? 0 : (extent - kernel) / stride + 1;
  };
  return {along(H + window.padding.top + window.padding.bottom, window.kernel.h, window.stride.h),
          along(W + window.padding.left + window.padding.right, window.kernel.w, window.stride.w)};
}

}  // namespace tessera::kernels
