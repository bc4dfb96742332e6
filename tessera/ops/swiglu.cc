#include "tessera/ops/swiglu.h"

#include "tessera/kernels/swiglu.h"
#include "tessera/ops/precision.h"
#include "tessera/ops/tape.h"

namespace tessera::ops {

namespace {

kernels::ConstElements from(const Tensor& x, int64_t offset) {
  if (x.dtype() == DType::bf16) return x.data<bf16>() + offset;
  return x.data() + offset;
}

kernels::Grad from(kernels::Grad grad, int64_t offset) {
  if (grad) grad.data += offset;
  return grad;
}

// x lies in a tensor of its own, or, where there is none, behind the gate in each row.
Tensor gated(const Tensor& gate, const Tensor& x, DType dtype) {
  const int64_t row = gate.size(-1), N = x ? row : row / 2, rows = N ? gate.numel() / row : 0, offset = x ? 0 : N;
  Shape shape = gate.shape();
  shape[-1] = N;
  Tensor y = Tensor::empty(shape, dtype);
  kernels::swiglu_forward(
      kernels::cpu_context(),
      {.g = from(gate, 0), .x = from(x ? x : gate, offset), .y = elements_of(y), .rows = rows, .N = N, .row = row});
  if (recording({gate, x})) {
    record(y,
           [=, gate = gate.detach(), x = x.detach(), dgate = GradientOf(gate), dx = GradientOf(x)](const Tensor& dy) {
             const kernels::Grad first = dgate.target();
             kernels::swiglu_backward(kernels::cpu_context(), {.dy = dy.data(),
                                                               .g = from(gate, 0),
                                                               .x = from(x ? x : gate, offset),
                                                               .dg = first,
                                                               .dx = x ? dx.target() : from(first, offset),
                                                               .rows = rows,
                                                               .N = N,
                                                               .row = row});
           });
  }
  return y;
}

}  // namespace

Tensor swiglu(const Tensor& gate, const Tensor& x, DType dtype) {
  TESSERA_CHECK(gate.rank() > 0 && gate.shape() == x.shape() && gate.dtype() == x.dtype(),
                "swiglu: gate and x must have one shape and type, but they are {} and {}", to_string(gate.shape()),
                to_string(x.shape()));
  return gated(gate, x, dtype);
}

Tensor swiglu(const Tensor& packed, DType dtype) {
  TESSERA_CHECK(packed.rank() > 0 && packed.size(-1) % 2 == 0,
                "swiglu: gate and x in one tensor need an even last extent, but it is {}", to_string(packed.shape()));
  return gated(packed, {}, dtype);
}

}  // namespace tessera::ops
