#include "tessera/ops/merge_patches.h"

#include "tessera/kernels/merge_patches.h"
#include "tessera/ops/tape.h"

namespace tessera::ops {

Tensor merge_patches(const Tensor& x, int64_t H, int64_t W) {
  TESSERA_CHECK(x.rank() == 3 && H > 0 && W > 0 && x.size(1) == H * W,
                "merge_patches: x must be (B, {}·{}, C), but it is {}", H, W, to_string(x.shape()));
  const int64_t B = x.size(0), C = x.size(2);
  Tensor y = Tensor::empty({B, ((H + 1) / 2) * ((W + 1) / 2), 4 * C});
  kernels::merge_patches_forward(kernels::cpu_context(),
                                 {.x = x.data(), .y = y.data(), .B = B, .H = H, .W = W, .C = C});
  if (recording({x})) {
    record(y, [=, dx = GradientOf(x)](const Tensor& dy) {
      kernels::merge_patches_backward(kernels::cpu_context(),
                                      {.dy = dy.data(), .dx = dx.target(), .B = B, .H = H, .W = W, .C = C});
    });
  }
  return y;
}

}  // namespace tessera::ops
