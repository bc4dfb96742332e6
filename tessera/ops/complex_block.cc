#include "tessera/ops/complex_block.h"

#include "tessera/kernels/complex_block.h"
#include "tessera/ops/tape.h"

namespace tessera::ops {

Tensor complex_block(const Tensor& re, const Tensor& im) {
  TESSERA_CHECK(re.rank() >= 2 && re.numel() > 0 && re.shape() == im.shape(),
                "complex_block: both parts must be (O, C, …), alike and not empty, but they are {} and {}",
                to_string(re.shape()), to_string(im.shape()));
  const kernels::ComplexBlockShape shape = {re.size(0), re.size(1), re.numel() / (re.size(0) * re.size(1))};
  Shape twice = re.shape();
  twice[0] *= 2, twice[1] *= 2;
  Tensor w = Tensor::empty(twice);  // (O, C, …) -> (2·O, 2·C, …)
  kernels::complex_block_forward(kernels::cpu_context(),
                                 {.re = re.data(), .im = im.data(), .w = w.data(), .shape = shape});
  if (recording({re, im})) {
    record(w, [=, dre = GradientOf(re), dim = GradientOf(im)](const Tensor& dw) {
      kernels::complex_block_backward(kernels::cpu_context(),
                                      {.dw = dw.data(), .dre = dre.target(), .dim = dim.target(), .shape = shape});
    });
  }
  return w;
}

}  // namespace tessera::ops
