#include <algorithm>
#include <cmath>

#include "tessera/weights/resize.h"
#include "tessera/weights/resize_axis.h"

namespace tessera::weights {
namespace {

// Where the n offsets lie among m: 0, ±1, ±(1+q), ±(1+q+q²) … with the q whose series of n/2 terms reaches m/2, sought
// in [1.01, 1.5] as timm does.
std::vector<double> spread_points(int64_t n, int64_t m) {
  const auto terms = static_cast<double>(n / 2), reach = static_cast<double>(m / 2);
  constexpr double kPrecision = 1e-6;
  double low = 1.01, high = 1.5, q = low;
  while (high - low > kPrecision) {
    q = (low + high) / 2;
    (((1 - std::pow(q, terms)) / (1 - q) > reach) ? high : low) = q;
  }
  std::vector<double> points(static_cast<size_t>(n));
  double point = 0, step = 1;
  const int64_t middle = n / 2;
  for (int64_t i = 1; i <= middle; ++i, step *= q) {
    point += step;
    points[static_cast<size_t>(middle + i)] = point;
    points[static_cast<size_t>(middle - i)] = -point;
  }
  return points;
}

// Bilinear between those points at -(m/2) … m/2, constant beyond them.
AxisMap spread(int64_t n, int64_t m) {
  const std::vector<double> points = spread_points(n, m);
  AxisMap map(m, n);
  for (int64_t i = 0; i < m; ++i) {
    const double x = std::clamp(static_cast<double>(i - m / 2), points.front(), points.back());
    const int64_t right = std::upper_bound(points.begin(), points.end(), x) - points.begin();  // the first beyond x
    const int64_t left = right - 1;
    if (right == n) {
      map.at(i, left) = 1;
      continue;
    }
    const double a = points[static_cast<size_t>(left)], b = points[static_cast<size_t>(right)];
    map.at(i, right) = (x - a) / (b - a);
    map.at(i, left) = 1 - map.at(i, right);
  }
  return map;
}

AxisMap axis_of(int64_t n, int64_t m, RelativeResize how) {
  switch (how) {
    case RelativeResize::timm:
      return spread(n, m);
    case RelativeResize::simple:
      return bicubic(n, m);
    case RelativeResize::levit:
      return bicubic_antialias(n, m);
  }
  fail("resize: no such way");
}

}  // namespace

Tensor resize_relative(const Tensor& table, Grid from, Grid to, int64_t extra, RelativeResize how) {
  TESSERA_CHECK(from.height > 0 && from.width > 0 && to.height > 0 && to.width > 0 && extra >= 0,
                "relative positions: a window of {} x {} cannot become {} x {}", from.height, from.width, to.height,
                to.width);
  const auto offsets = [](Grid window) { return Grid{2 * window.height - 1, 2 * window.width - 1}; };
  const auto [h, w] = offsets(from);
  const auto [H, W] = offsets(to);
  TESSERA_CHECK(table.rank() == 2 && table.size(0) == h * w + extra,
                "relative positions: the table is {}, but a window of {} x {} needs {} rows", to_string(table.shape()),
                from.height, from.width, h * w + extra);
  if (from == to) return table.clone();
  const int64_t heads = table.size(1);
  const Tensor result = Tensor::empty({H * W + extra, heads});
  const std::span<const float> grid = table.rows(0, h * w).span(), kept = table.rows(h * w, extra).span();
  const std::vector<double> x(grid.begin(), grid.end());                                     // (h, w, heads)
  const std::vector<double> y = apply(axis_of(h, H, how), axis_of(w, W, how), x, 1, heads);  // (H, W, heads)
  float* out = std::transform(y.begin(), y.end(), result.data(), [](double v) { return static_cast<float>(v); });
  std::copy(kept.begin(), kept.end(), out);
  return result;
}

}  // namespace tessera::weights
