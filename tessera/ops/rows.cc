#include "tessera/ops/rows.h"

#include "tessera/kernels/copy.h"
#include "tessera/ops/tape.h"

namespace tessera::ops {

Tensor rows(const Tensor& x, int64_t begin, int64_t count) {
  TESSERA_CHECK(x.rank() > 0 && begin >= 0 && count >= 0 && begin + count <= x.size(0),
                "rows: [{}, {}) are not rows of x {}", begin, begin + count, to_string(x.shape()));
  Tensor y = x.rows(begin, count);
  if (recording({x})) {
    const int64_t row = x.size(0) ? x.numel() / x.size(0) : 0;
    record(y, [=, R = x.size(0), dx = GradientOf(x)](const Tensor& dy) {
      const kernels::Grad target = dx.target();
      const auto fill = [&](const float* from, int64_t first, int64_t rows) {  // from null: zeros
        kernels::copy_samples(kernels::cpu_context(), {.x = from,
                                                       .x_stride = 0,
                                                       .y = {target.data + first * row, target.accumulate},
                                                       .y_stride = 0,
                                                       .samples = 1,
                                                       .n = rows * row});
      };
      fill(dy.data(), begin, count);
      if (target.accumulate) return;
      fill(nullptr, 0, begin);
      fill(nullptr, begin + count, R - begin - count);
    });
  }
  return y;
}

}  // namespace tessera::ops
