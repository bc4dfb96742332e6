#include "tessera/ops/positions.h"

#include "tessera/kernels/add.h"
#include "tessera/kernels/column_sums.h"
#include "tessera/ops/tape.h"

namespace tessera::ops {

Tensor add_positions(const Tensor& x, const Tensor& positions) {
  const bool fits = x.rank() == 3 && (positions.shape() == Shape{x.size(1), x.size(2)} ||
                                      positions.shape() == Shape{1, x.size(1), x.size(2)});
  TESSERA_CHECK(fits, "add_positions: x must be (B, N, D) and positions (N, D), but they are {} and {}",
                to_string(x.shape()), to_string(positions.shape()));
  const int64_t B = x.size(0), n = positions.numel();
  Tensor y = Tensor::empty(x.shape());
  kernels::add(kernels::cpu_context(), {.a = x.data(), .b = positions.data(), .y = y.data(), .n = n, .samples = B});
  if (recording({x, positions})) {
    record(y, [=, dx = GradientOf(x), dpositions = GradientOf(positions)](const Tensor& dy) {
      if (dpositions.wanted()) {
        kernels::column_sums(kernels::cpu_context(), {.x = dy.data(), .sums = dpositions.target(), .rows = B, .N = n});
      }
      dx.add(dy);
    });
  }
  return y;
}

}  // namespace tessera::ops
