#include "tessera/ops/columns.h"

#include "tessera/kernels/columns.h"
#include "tessera/ops/tape.h"

namespace tessera::ops {

Tensor columns(const Tensor& x, int64_t begin, int64_t count) {
  TESSERA_CHECK(x.rank() > 0 && begin >= 0 && count > 0 && begin + count <= x.size(-1),
                "columns: [{}, {}) is not within the last axis of {}", begin, begin + count, to_string(x.shape()));
  const int64_t D = x.size(-1), rows = x.numel() / D;
  Shape shape = x.shape();
  shape[-1] = count;
  Tensor y = Tensor::empty(shape);
  kernels::columns_forward(kernels::cpu_context(),
                           {.x = x.data(), .y = y.data(), .rows = rows, .D = D, .begin = begin, .count = count});
  if (recording({x})) {
    record(y, [=, dx = GradientOf(x)](const Tensor& dy) {
      kernels::columns_backward(
          kernels::cpu_context(),
          {.dy = dy.data(), .dx = dx.target(), .rows = rows, .D = D, .begin = begin, .count = count});
    });
  }
  return y;
}

}  // namespace tessera::ops
