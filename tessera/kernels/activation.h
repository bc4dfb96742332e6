// Element-wise activation functions.
//
//   relu       max(x, 0); its derivative at 0 is 0
//   gelu_erf   x·Φ(x), Φ the normal distribution: Hendrycks and Gimpel, "Gaussian Error Linear Units" (2016)
//   gelu_tanh  x·(1 + tanh(√(2/π)·(x + 0.044715·x³))) / 2, the same paper's approximation
//   tanh
//   sigmoid    σ(x) = 1 / (1 + e^-x)
//   silu       x·σ(x), also called swish: the same paper; Ramachandran et al. (2017, https://arxiv.org/abs/1710.05941)
//   relu6      min(max(x, 0), 6): Howard et al., "MobileNets" (2017); its derivative is 0 at both ends
//   hard_swish x·relu6(x + 3) / 6: Howard et al., "Searching for MobileNetV3" (2019)
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tessera/kernels/context.h"
#include "tessera/kernels/elements.h"

namespace tessera::kernels {

enum class Activation { none, relu, gelu_erf, gelu_tanh, tanh, sigmoid, silu, relu6, hard_swish };

// As architectures call them: all but `none`, and the one of a name, or `none` where there is none.
inline const std::vector<std::string>& activation_names() {
  static const std::vector<std::string> names = {"relu",    "gelu_erf", "gelu_tanh", "tanh",
                                                 "sigmoid", "silu",     "relu6",     "hard_swish"};
  return names;
}
inline Activation activation_named(std::string_view name) {
  const std::vector<std::string>& names = activation_names();
  const auto found = std::find(names.begin(), names.end(), name);
  return found == names.end() ? Activation::none : static_cast<Activation>(found - names.begin() + 1);
}

// y = act(x)·scale + residual
struct ActivationForward {
  ConstElements x;                  // (n)
  const float* scale = nullptr;     // (N), of columns; or null
  const float* residual = nullptr;  // (n), or null
  Elements y;                       // (n), may be x
  int64_t n;
  int64_t N = 0;  // columns, where there is a scale
  Activation activation;
};
void activation_forward(Context& context, const ActivationForward& args);

// dx = dy·act'(x)
struct ActivationBackward {
  const float* dy;  // (n)
  ConstElements x;  // (n)
  Elements dx;      // (n), may be x or dy unless it accumulates
  bool accumulate = false;
  int64_t n;
  Activation activation;
};
void activation_backward(Context& context, const ActivationBackward& args);

}  // namespace tessera::kernels
