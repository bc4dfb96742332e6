#include "tessera/ops/complex_activation.h"

#include "tessera/ops/tape.h"

namespace tessera::ops {

namespace {

int64_t parameters_of(ComplexActivation activation, int64_t C) {
  return activation == ComplexActivation::modrelu ? C : activation == ComplexActivation::cprelu ? 2 : 0;
}

}  // namespace

Tensor complex_activate(const Tensor& x, ComplexActivation activation, const Tensor& parameter) {
  TESSERA_CHECK(x.rank() > 0 && x.numel() > 0 && x.size(-1) % 2 == 0,
                "complex_activate: x must be (…, 2·C) and not empty, but it is {}", to_string(x.shape()));
  const int64_t C = x.size(-1) / 2, P = x.numel() / x.size(-1), parameters = parameters_of(activation, C);
  TESSERA_CHECK(parameters == 0 ? !parameter : parameter && parameter.shape() == Shape{parameters},
                "complex_activate: this function of x {} has {} parameters, but they are {}", to_string(x.shape()),
                parameters, to_string(parameter.shape()));
  const float* values = parameter ? parameter.data() : nullptr;
  Tensor y = Tensor::empty(x.shape());
  kernels::complex_activation_forward(
      kernels::cpu_context(),
      {.x = x.data(), .parameter = values, .y = y.data(), .P = P, .C = C, .activation = activation});
  if (recording({x, parameter})) {
    record(y, [=, x = x.detach(), parameter = parameter ? parameter.detach() : Tensor(), dx = GradientOf(x),
               dparameter = GradientOf(parameter)](const Tensor& dy) {
      kernels::complex_activation_backward(kernels::cpu_context(), {.dy = dy.data(),
                                                                    .x = x.data(),
                                                                    .parameter = parameter ? parameter.data() : nullptr,
                                                                    .dx = dx.target(),
                                                                    .dparameter = dparameter.target(),
                                                                    .P = P,
                                                                    .C = C,
                                                                    .activation = activation});
    });
  }
  return y;
}

}  // namespace tessera::ops
