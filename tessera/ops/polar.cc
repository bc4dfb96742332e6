#include "tessera/ops/polar.h"

#include "tessera/kernels/polar.h"
#include "tessera/ops/tape.h"

namespace tessera::ops {

namespace {

Shape shape_of_parts(const char* op, const Tensor& z) {
  TESSERA_CHECK(z.rank() > 0 && z.numel() > 0 && z.size(-1) % 2 == 0,
                "{}: z must be (…, 2·C) and not empty, but it is {}", op, to_string(z.shape()));
  Shape shape = z.shape();
  shape[-1] /= 2;
  return shape;
}

}  // namespace

Tensor magnitude(const Tensor& z) {
  Tensor m = Tensor::empty(shape_of_parts("magnitude", z));  // (…, 2·C) -> (…, C)
  const int64_t C = m.size(-1), P = m.numel() / C;
  kernels::magnitude_forward(kernels::cpu_context(), {.z = z.data(), .m = m.data(), .P = P, .C = C});
  if (recording({z})) {
    record(m, [=, z = z.detach(), dz = GradientOf(z)](const Tensor& dm) {
      kernels::magnitude_backward(kernels::cpu_context(),
                                  {.dm = dm.data(), .z = z.data(), .dz = dz.target(), .P = P, .C = C});
    });
  }
  return m;
}

Tensor weighted_phase(const Tensor& z, const Tensor& w) {
  const Shape shape = shape_of_parts("weighted_phase", z);
  TESSERA_CHECK(w.shape() == shape, "weighted_phase: z {} needs weights {}, but they are {}", to_string(z.shape()),
                to_string(shape), to_string(w.shape()));
  Tensor sum = Tensor::empty({1});
  const int64_t C = shape[-1], P = shape.numel() / C;
  kernels::weighted_phase_forward(kernels::cpu_context(),
                                  {.z = z.data(), .w = w.data(), .sum = sum.data(), .P = P, .C = C});
  if (recording({z})) {
    record(sum, [=, z = z.detach(), w = w.detach(), dz = GradientOf(z)](const Tensor& dsum) {
      kernels::weighted_phase_backward(
          kernels::cpu_context(),
          {.dsum = dsum.item(), .z = z.data(), .w = w.data(), .dz = dz.target(), .P = P, .C = C});
    });
  }
  return sum;
}

}  // namespace tessera::ops
