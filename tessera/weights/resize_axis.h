// One axis of n points read at m others, as a matrix: the resizes of resize.h are products of two of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace tessera::weights {

// output i = Σ_j weights[i·inputs + j] input j
struct AxisMap {
  AxisMap(int64_t outputs_, int64_t inputs_)
      : outputs(outputs_), inputs(inputs_), weights(static_cast<size_t>(outputs_ * inputs_)) {}
  double& at(int64_t i, int64_t j) { return weights[static_cast<size_t>(i * inputs + j)]; }
  double at(int64_t i, int64_t j) const { return weights[static_cast<size_t>(i * inputs + j)]; }

  int64_t outputs = 0, inputs = 0;
  std::vector<double> weights;
};

// n points to m. Centres lie at (i + 1/2) n/m - 1/2 unless said otherwise.
AxisMap bicubic_antialias(int64_t n, int64_t m);  // a = -1/2, widened by max(n/m, 1), weights made to sum to 1
AxisMap bicubic(int64_t n, int64_t m);            // a = -3/4, points beyond the edge are the edge's
AxisMap bicubic_offset(int64_t n, int64_t m);     // the same at (i + 1/2) n/(m + 0.1) - 1/2
AxisMap bicubic_corners(int64_t n, int64_t m);    // the same at i (n - 1)/(m - 1)
AxisMap bilinear(int64_t n, int64_t m);
AxisMap bilinear_corners(int64_t n, int64_t m);  // at i (n - 1)/(m - 1)

// The transpose of B's pseudo-inverse: U S⁻¹ Vᵀ of B = U S Vᵀ, with the shape of B.
AxisMap transposed_pseudo_inverse(const AxisMap& b);

// x (outer, inputs, inner) -> (outer, outputs, inner)
std::vector<double> apply(const AxisMap& map, const std::vector<double>& x, int64_t outer, int64_t inner);

// Both axes: x (batch, rows.inputs, columns.inputs, inner) -> (batch, rows.outputs, columns.outputs, inner)
std::vector<double> apply(const AxisMap& rows, const AxisMap& columns, const std::vector<double>& x, int64_t batch,
                          int64_t inner);

}  // namespace tessera::weights
