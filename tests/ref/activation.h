// Activation functions: Hendrycks and Gimpel, "Gaussian Error Linear Units" (2016), for the two GELUs.
#pragma once

#include "tessera/kernels/activation.h"
#include "tests/harness/array.h"

namespace tessera::test {

template <class T>
T ref_activate(T x, kernels::Activation activation) {
  switch (activation) {
    case kernels::Activation::none:
      return x;
    case kernels::Activation::relu:
      return x > T(0) ? x : T(0);
    case kernels::Activation::gelu_erf:
      return T(0.5) * x * (T(1) + erf(x / sqrt(T(2))));
    case kernels::Activation::gelu_tanh:
      return T(0.5) * x * (T(1) + tanh(T(std::sqrt(2 / M_PI)) * (x + T(0.044715) * x * x * x)));
    case kernels::Activation::tanh:
      return tanh(x);
    case kernels::Activation::sigmoid:
      return T(1) / (T(1) + exp(-x));
    case kernels::Activation::silu:
      return x / (T(1) + exp(-x));
    case kernels::Activation::relu6:
      return x > T(6) ? T(6) : x > T(0) ? x : T(0);
    case kernels::Activation::hard_swish:
      return x > T(3) ? x : x > T(-3) ? x * (x + T(3)) / T(6) : T(0);
  }
  return x;
}

template <class T>
Array<T> ref_activate(Array<T> x, kernels::Activation activation) {
  for (T& value : x.data) value = ref_activate(value, activation);
  return x;
}

inline const char* name_of(kernels::Activation activation) {
  constexpr const char* kNames[] = {"none",    "relu", "gelu_erf", "gelu_tanh", "tanh",
                                    "sigmoid", "silu", "relu6",    "hard_swish"};
  return kNames[static_cast<int>(activation)];
}

}  // namespace tessera::test
