#include "tessera/nn/relative_position.h"

#include "tessera/nn/init.h"

namespace tessera::nn {

RelativePositionBias::RelativePositionBias(const RelativeGrid& grid, int64_t heads) {
  const int64_t offsets = (2 * grid.height - 1) * (2 * grid.width - 1);
  add_parameter("relative_position_bias_table", table_, {offsets + (grid.prefix ? 3 : 0), heads}, trunc_normal(0.02));

  const int64_t N = grid.prefix + grid.height * grid.width;
  index_ = Tensor::empty({N, N}, DType::s32);
  for (int64_t i = 0; i < N; ++i) {
    for (int64_t j = 0; j < N; ++j) {
      const int64_t a = i - grid.prefix, b = j - grid.prefix;  // patches; negative in the prefix
      int64_t row = 0;
      if (a >= 0 && b >= 0) {
        row = (a / grid.width - b / grid.width + grid.height - 1) * (2 * grid.width - 1) +
              (a % grid.width - b % grid.width + grid.width - 1);
      } else {
        row = offsets + (b >= 0 ? 0 : a >= 0 ? 1 : 2);
      }
      index_.data<int32_t>()[i * N + j] = static_cast<int32_t>(row);
    }
  }
}

Tensor RelativePositionBias::dense() const {
  const int64_t N = index_.size(0), h = table_.size(1);
  Tensor bias = Tensor::empty({h, N, N});
  for (int64_t head = 0; head < h; ++head)
    for (int64_t ij = 0; ij < N * N; ++ij)
      bias.data()[head * N * N + ij] = table_.data()[index_.data<int32_t>()[ij] * h + head];
  return bias;
}

}  // namespace tessera::nn
