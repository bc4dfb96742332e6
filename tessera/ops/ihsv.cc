#include "tessera/ops/ihsv.h"

#include "tessera/kernels/ihsv.h"
#include "tessera/ops/tape.h"

namespace tessera::ops {

Tensor ihsv(const Tensor& rgb) {
  TESSERA_CHECK(rgb.rank() > 0 && rgb.size(-1) == 3, "ihsv: colours must be (…, 3), but they are {}",
                to_string(rgb.shape()));
  Shape shape = rgb.shape();
  shape[-1] = 6;
  Tensor z = Tensor::empty(shape);  // (…, 3) -> (…, 6)
  const int64_t P = rgb.numel() / 3;
  kernels::ihsv_forward(kernels::cpu_context(), {.rgb = rgb.data(), .z = z.data(), .P = P});
  if (recording({rgb})) {
    record(z, [P, rgb = rgb.detach(), drgb = GradientOf(rgb)](const Tensor& dz) {
      kernels::ihsv_backward(kernels::cpu_context(),
                             {.dz = dz.data(), .rgb = rgb.data(), .drgb = drgb.target(), .P = P});
    });
  }
  return z;
}

}  // namespace tessera::ops
