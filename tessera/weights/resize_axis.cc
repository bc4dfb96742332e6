#include "tessera/weights/resize_axis.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace tessera::weights {
namespace {

// Keys, "Cubic convolution interpolation for digital image processing" (1981).
double keys(double x, double a) {
  x = std::fabs(x);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return a * (((x - 5) * x + 8) * x - 4);
  return 0;
}

// Four taps around each centre; taps beyond the edge fall on it.
template <class Centre>
AxisMap bicubic_at(int64_t n, int64_t m, Centre centre) {
  AxisMap map(m, n);
  for (int64_t i = 0; i < m; ++i) {
    const double c = centre(static_cast<double>(i));
    const auto middle = static_cast<int64_t>(std::floor(c));
    for (int64_t j = middle - 1; j <= middle + 2; ++j)
      map.at(i, std::clamp<int64_t>(j, 0, n - 1)) += keys(c - static_cast<double>(j), -0.75);
  }
  return map;
}

// Two taps around each centre, which lies in [0, n-1].
template <class Centre>
AxisMap bilinear_at(int64_t n, int64_t m, Centre centre) {
  AxisMap map(m, n);
  for (int64_t i = 0; i < m; ++i) {
    const double c = std::clamp(centre(static_cast<double>(i)), 0.0, static_cast<double>(n - 1));
    const auto left = std::min(static_cast<int64_t>(c), n - 1);
    const double part = c - static_cast<double>(left);
    map.at(i, left) += 1 - part;
    map.at(i, std::min(left + 1, n - 1)) += part;
  }
  return map;
}

// n points over m, and the distance of points whose corners are aligned.
double ratio(int64_t n, int64_t m) { return static_cast<double>(n) / static_cast<double>(m); }
double corner_step(int64_t n, int64_t m) { return m > 1 ? ratio(n - 1, m - 1) : 0; }

AxisMap transposed(const AxisMap& map) {
  AxisMap t(map.inputs, map.outputs);
  for (int64_t i = 0; i < map.outputs; ++i)
    for (int64_t j = 0; j < map.inputs; ++j) t.at(j, i) = map.at(i, j);
  return t;
}

}  // namespace

AxisMap bicubic_antialias(int64_t n, int64_t m) {
  AxisMap map(m, n);
  const double scale = ratio(n, m), stretch = std::max(scale, 1.0);
  for (int64_t i = 0; i < m; ++i) {
    const double centre = scale * (static_cast<double>(i) + 0.5);
    const auto first = std::max<int64_t>(static_cast<int64_t>(std::floor(centre - 2 * stretch + 0.5)), 0);
    const auto last = std::min(static_cast<int64_t>(std::floor(centre + 2 * stretch + 0.5)), n);  // not included
    double sum = 0;
    for (int64_t j = first; j < last; ++j)
      sum += map.at(i, j) = keys((static_cast<double>(j) + 0.5 - centre) / stretch, -0.5);
    for (int64_t j = first; j < last; ++j) map.at(i, j) /= sum;
  }
  return map;
}

AxisMap bicubic(int64_t n, int64_t m) {
  return bicubic_at(n, m, [s = ratio(n, m)](double i) { return (i + 0.5) * s - 0.5; });
}

AxisMap bicubic_offset(int64_t n, int64_t m) {
  const double scale = static_cast<double>(n) / (static_cast<double>(m) + 0.1);
  return bicubic_at(n, m, [scale](double i) { return (i + 0.5) * scale - 0.5; });
}

AxisMap bicubic_corners(int64_t n, int64_t m) {
  return bicubic_at(n, m, [s = corner_step(n, m)](double i) { return i * s; });
}

AxisMap bilinear(int64_t n, int64_t m) {
  return bilinear_at(n, m, [s = ratio(n, m)](double i) { return (i + 0.5) * s - 0.5; });
}

AxisMap bilinear_corners(int64_t n, int64_t m) {
  return bilinear_at(n, m, [s = corner_step(n, m)](double i) { return i * s; });
}

// One-sided Jacobi: rotations Q make the rows of B orthogonal, Q B = W with |w_i| = σ_i, so that U S⁻¹ Vᵀ =
// Qᵀ diag(1/σ²) W. Each row carries its row of Q behind it. Golub, Van Loan, "Matrix Computations", 8.6.3.
AxisMap transposed_pseudo_inverse(const AxisMap& b) {
  if (b.outputs > b.inputs) return transposed(transposed_pseudo_inverse(transposed(b)));
  const int64_t r = b.outputs, c = b.inputs;
  std::vector<std::vector<double>> rows;
  for (int64_t i = 0; i < r; ++i) {
    std::vector<double>& row = rows.emplace_back(static_cast<size_t>(c + r));
    std::copy_n(b.weights.begin() + i * c, c, row.begin());
    row[static_cast<size_t>(c + i)] = 1;
  }
  const auto dot = [c](const std::vector<double>& p, const std::vector<double>& q) {
    return std::inner_product(p.begin(), p.begin() + c, q.begin(), 0.0);
  };

  constexpr int kMostSweeps = 60;
  constexpr double kOrthogonal = 1e-15;
  bool turned = true;
  for (int sweep = 0; sweep < kMostSweeps && turned; ++sweep) {
    turned = false;
    for (size_t i = 0; i < rows.size(); ++i) {
      for (size_t j = i + 1; j < rows.size(); ++j) {
        const double alpha = dot(rows[i], rows[i]), beta = dot(rows[j], rows[j]), gamma = dot(rows[i], rows[j]);
        if (std::fabs(gamma) <= kOrthogonal * std::sqrt(alpha * beta)) continue;
        turned = true;
        const double zeta = (beta - alpha) / (2 * gamma);
        const double t = std::copysign(1 / (std::fabs(zeta) + std::sqrt(1 + zeta * zeta)), zeta);
        const double cosine = 1 / std::sqrt(1 + t * t), sine = cosine * t;
        for (size_t k = 0; k < rows[i].size(); ++k) {
          const double p = rows[i][k], q = rows[j][k];
          rows[i][k] = cosine * p - sine * q;
          rows[j][k] = sine * p + cosine * q;
        }
      }
    }
  }

  double largest = 0;
  for (const auto& row : rows) largest = std::max(largest, dot(row, row));
  const double cut = static_cast<double>(c) * std::numeric_limits<double>::epsilon();  // of σ / σ_max: rank lost
  AxisMap inverse(r, c);
  for (const auto& row : rows) {
    const double square = dot(row, row);
    if (square <= cut * cut * largest) continue;
    for (int64_t i = 0; i < r; ++i)
      for (int64_t j = 0; j < c; ++j)
        inverse.at(i, j) += row[static_cast<size_t>(c + i)] / square * row[static_cast<size_t>(j)];
  }
  return inverse;
}

std::vector<double> apply(const AxisMap& map, const std::vector<double>& x, int64_t outer, int64_t inner) {
  std::vector<double> y(static_cast<size_t>(outer * map.outputs * inner));
  for (int64_t o = 0; o < outer; ++o) {
    for (int64_t i = 0; i < map.outputs; ++i) {
      double* to = y.data() + (o * map.outputs + i) * inner;
      for (int64_t j = 0; j < map.inputs; ++j) {
        const double weight = map.at(i, j);
        if (weight == 0) continue;
        const double* from = x.data() + (o * map.inputs + j) * inner;
        for (int64_t k = 0; k < inner; ++k) to[k] += weight * from[k];
      }
    }
  }
  return y;
}

std::vector<double> apply(const AxisMap& rows, const AxisMap& columns, const std::vector<double>& x, int64_t batch,
                          int64_t inner) {
  return apply(columns, apply(rows, x, batch, columns.inputs * inner), batch * rows.outputs, inner);
}

}  // namespace tessera::weights
