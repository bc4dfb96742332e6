#include "tessera/nn/positions.h"

#include <cmath>

#include "tessera/nn/init.h"
#include "tessera/ops/add.h"
#include "tessera/ops/embedding.h"

namespace tessera::nn {

Tensor sincos_1d(int64_t N, int64_t D) {
  Tensor table = Tensor::empty({N, D});
  for (int64_t n = 0; n < N; ++n) {
    for (int64_t c = 0; c < D; ++c) {
      const double omega = std::pow(10000.0, -static_cast<double>(c / 2 * 2) / static_cast<double>(D));
      const double angle = static_cast<double>(n) * omega;
      table.data()[n * D + c] = static_cast<float>(c % 2 == 0 ? std::sin(angle) : std::cos(angle));
    }
  }
  return table;
}

Tensor sincos_2d(int64_t height, int64_t width, int64_t D, Frequencies frequencies) {
  TESSERA_CHECK(D % 4 == 0 && D >= 8,
                "sine-cosine positions need a width that is a multiple of 4 and at least 8, not {}", D);
  const int64_t quarter = D / 4, steps = frequencies == Frequencies::closed ? quarter - 1 : quarter;
  Tensor table = Tensor::empty({height * width, D});
  for (int64_t y = 0; y < height; ++y) {
    for (int64_t x = 0; x < width; ++x) {
      float* row = table.data() + (y * width + x) * D;
      for (int64_t i = 0; i < quarter; ++i) {
        const double omega = std::pow(10000.0, -static_cast<double>(i) / static_cast<double>(steps));
        row[i] = static_cast<float>(std::sin(static_cast<double>(x) * omega));
        row[quarter + i] = static_cast<float>(std::cos(static_cast<double>(x) * omega));
        row[2 * quarter + i] = static_cast<float>(std::sin(static_cast<double>(y) * omega));
        row[3 * quarter + i] = static_cast<float>(std::cos(static_cast<double>(y) * omega));
      }
    }
  }
  return table;
}

RowColumnPositions::RowColumnPositions(int64_t height, int64_t width, int64_t D) {
  add_parameter("row", row_, {height, D}, trunc_normal(0.02));
  add_parameter("col", col_, {width, D}, trunc_normal(0.02));
  row_of_ = Tensor::empty({height * width}, DType::s32);
  col_of_ = Tensor::empty({height * width}, DType::s32);
  for (int64_t i = 0; i < height * width; ++i) {
    row_of_.data<int32_t>()[i] = static_cast<int32_t>(i / width);
    col_of_.data<int32_t>()[i] = static_cast<int32_t>(i % width);
  }
}

Tensor RowColumnPositions::forward() const {
  return ops::add(ops::embedding(row_, row_of_), ops::embedding(col_, col_of_));  // (height·width, D)
}

}  // namespace tessera::nn
