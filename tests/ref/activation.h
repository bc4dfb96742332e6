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
  }
  return x;
}

template <class T>
Array<T> ref_activate(Array<T> x, kernels::Activation activation) {
  for (T& value : x.data) value = ref_activate(value, activation);
  return x;
}

inline const char* name_of(kernels::Activation activation) {
  constexpr const char* kNames[] = {"none", "relu", "gelu_erf", "gelu_tanh", "tanh"};
  return kNames[static_cast<int>(activation)];
}

}  // namespace tessera::test
