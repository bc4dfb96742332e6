#include "tessera/train/adaptive_clip.h"

#include <algorithm>
#include <cmath>

#include "tessera/core/parallel.h"

namespace tessera::train {
namespace {

constexpr int64_t kGrain = 16384;  // elements per piece at least

double norm_of(const float* x, int64_t n) {
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += static_cast<double>(x[i]) * x[i];
  return std::sqrt(sum);
}

void clip_row(const float* p, float* g, int64_t n, double factor, double eps) {
  const double largest = factor * std::max(norm_of(p, n), eps), norm = norm_of(g, n);
  if (norm < largest) return;
  const auto scale = static_cast<float>(largest / std::max(norm, 1e-6));
  for (int64_t i = 0; i < n; ++i) g[i] *= scale;
}

}  // namespace

void clip_adaptively(const FlatParameters& parameters, const Tensor& gradients, double factor, double eps) {
  for (const FlatParameters::Slice& slice : parameters.slices()) {
    const int64_t rows = slice.shape.rank() > 1 ? slice.shape[0] : 1, n = slice.size / rows;
    const float* p = parameters.values().data() + slice.begin;
    float* g = gradients.data() + slice.begin;
    parallel_for(rows, std::max<int64_t>(1, kGrain / n), [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row) clip_row(p + row * n, g + row * n, n, factor, eps);
    });
  }
}

}  // namespace tessera::train
