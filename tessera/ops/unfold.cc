#include "tessera/ops/unfold.h"

#include "tessera/kernels/unfold.h"
#include "tessera/ops/tape.h"

namespace tessera::ops {

Tensor unfold(const Tensor& x, int64_t Ph, int64_t Pw) {
  TESSERA_CHECK(x.rank() == 4, "unfold: x must be (B, H, W, C), but it is {}", to_string(x.shape()));
  const int64_t B = x.size(0), H = x.size(1), W = x.size(2), C = x.size(3);
  TESSERA_CHECK(Ph > 0 && Pw > 0 && Ph <= H && Pw <= W, "unfold: no patch of {}×{} fits into pictures of {}×{}", Ph, Pw,
                H, W);
  Tensor y = Tensor::empty({B, (H / Ph) * (W / Pw), C * Ph * Pw});
  kernels::unfold_forward(kernels::cpu_context(),
                          {.x = x.data(), .y = y.data(), .B = B, .H = H, .W = W, .C = C, .Ph = Ph, .Pw = Pw});
  if (recording({x})) {
    record(y, [=, dx = GradientOf(x)](const Tensor& dy) {
      kernels::unfold_backward(
          kernels::cpu_context(),
          {.dy = dy.data(), .dx = dx.target(), .B = B, .H = H, .W = W, .C = C, .Ph = Ph, .Pw = Pw});
    });
  }
  return y;
}

}  // namespace tessera::ops
