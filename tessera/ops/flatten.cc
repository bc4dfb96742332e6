#include "tessera/ops/flatten.h"

#include "tessera/kernels/transpose.h"
#include "tessera/ops/tape.h"

namespace tessera::ops {

Tensor flatten(const Tensor& x) {
  TESSERA_CHECK(x.rank() == 4 && x.numel() > 0, "flatten: x must be (B, H, W, C) and not empty, but it is {}",
                to_string(x.shape()));
  const int64_t B = x.size(0), pixels = x.size(1) * x.size(2), C = x.size(3);
  if (pixels == 1 || C == 1) return x.reshape({B, pixels * C});
  Tensor y = Tensor::empty({B, C * pixels});  // (B, H·W, C) -> (B, C, H·W)
  kernels::transpose(kernels::cpu_context(), {.x = x.data(), .y = {y.data()}, .B = B, .M = pixels, .N = C});
  if (recording({x})) {
    record(y, [=, dx = GradientOf(x)](const Tensor& dy) {
      kernels::transpose(kernels::cpu_context(), {.x = dy.data(), .y = dx.target(), .B = B, .M = C, .N = pixels});
    });
  }
  return y;
}

}  // namespace tessera::ops
