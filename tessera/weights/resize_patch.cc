#include <algorithm>

#include "tessera/weights/resize.h"
#include "tessera/weights/resize_axis.h"

namespace tessera::weights {

// B resizes rows and columns one after the other, B = B_rows ⊗ B_columns; so does its pseudo-inverse.
Tensor resize_patch(const Tensor& kernel, Grid to, PatchResize how) {
  TESSERA_CHECK(kernel.rank() == 4 && kernel.numel() > 0 && to.height > 0 && to.width > 0,
                "patch kernel: {} cannot become {} x {} pixels", to_string(kernel.shape()), to.height, to.width);
  const int64_t D = kernel.size(0), C = kernel.size(1), h = kernel.size(2), w = kernel.size(3);
  if (Grid{h, w} == to) return kernel.clone();
  const auto inverse = [how](int64_t n, int64_t m) {
    return transposed_pseudo_inverse(how == PatchResize::flexi ? bicubic_antialias(n, m) : bilinear(n, m));
  };
  const std::span<const float> old = kernel.span();
  const std::vector<double> x(old.begin(), old.end());  // (D, C, h, w)
  const std::vector<double> y =
      apply(inverse(h, to.height), inverse(w, to.width), x, D * C, 1);  // (D, C, to.height, to.width)
  const Tensor result = Tensor::empty({D, C, to.height, to.width});
  std::transform(y.begin(), y.end(), result.data(), [](double value) { return static_cast<float>(value); });
  return result;
}

Tensor adapt_channels(const Tensor& kernel, int64_t channels) {
  TESSERA_CHECK(kernel.rank() >= 2 && kernel.numel() > 0 && channels > 0, "patch kernel: {} cannot take {} channels",
                to_string(kernel.shape()), channels);
  const int64_t D = kernel.size(0), C = kernel.size(1), pixels = kernel.numel() / (D * C);
  if (C == channels) return kernel.clone();
  Shape shape = kernel.shape();
  shape[1] = channels;
  const Tensor result = Tensor::empty(shape);
  const double scale = static_cast<double>(C) / static_cast<double>(channels);
  for (int64_t d = 0; d < D; ++d) {
    const float* from = kernel.data() + d * C * pixels;
    float* to = result.data() + d * channels * pixels;
    for (int64_t i = 0; i < channels * pixels; ++i) {
      double value = 0;
      if (channels == 1) {
        for (int64_t c = 0; c < C; ++c) value += from[c * pixels + i];
      } else {
        value = scale * from[i % (C * pixels)];
      }
      to[i] = static_cast<float>(value);
    }
  }
  return result;
}

}  // namespace tessera::weights
