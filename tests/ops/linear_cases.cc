#include "tessera/ops/linear.h"

#include "tests/harness/op_case.h"
#include "tests/ref/linear.h"

namespace tessera::test {

namespace {

using ops::Activation;

struct LinearCase {
  Shape x;  // (…, K)
  int64_t N;
  bool bias = true, residual = false;
  Activation activation = Activation::none;
};

OpCase linear_case(const LinearCase& c) {
  const int64_t K = c.x[-1];
  Shape y = c.x;
  y[-1] = c.N;
  std::vector<Input> inputs = {{.name = "x", .shape = c.x},
                               {.name = "w", .shape = {c.N, K}, .deviation = 1 / std::sqrt(static_cast<double>(K))}};
  if (c.bias) inputs.push_back({.name = "bias", .shape = {c.N}});
  if (c.residual) inputs.push_back({.name = "residual", .shape = y});
  const size_t residual = c.bias ? 3 : 2;
  return op_case(
      "linear",
      fmt::format("{}->{} {}{}{}", to_string(c.x), c.N, name_of(c.activation), c.bias ? " bias" : "",
                  c.residual ? " residual" : ""),
      inputs,
      [c, residual](const auto& x) {
        return ops::linear(x[0], x[1], c.bias ? x[2] : Tensor(),
                           {.activation = c.activation, .residual = c.residual ? x[residual] : Tensor()});
      },
      [c, residual](const auto& x) {
        return ref_linear(x[0], x[1], c.bias ? &x[2] : nullptr, c.residual ? &x[residual] : nullptr, c.activation);
      });
}

}  // namespace

void register_linear_cases(OpCases& cases) {
  const auto add = [&](const LinearCase& c) { cases.push_back(linear_case(c)); };
  add({.x = {1, 1}, .N = 1});
  add({.x = {1, 33}, .N = 10});
  add({.x = {7, 1}, .N = 5, .residual = true});
  add({.x = {2, 3, 5, 7}, .N = 1, .bias = false});
  add({.x = {2, 17, 48}, .N = 35, .bias = false, .residual = true});
  add({.x = {65, 64}, .N = 100, .residual = true});
  add({.x = {3, 31, 19}, .N = 50, .activation = Activation::gelu_erf});
  add({.x = {3, 31, 19}, .N = 50, .residual = true, .activation = Activation::gelu_erf});
  add({.x = {3, 31, 19}, .N = 50, .bias = false, .activation = Activation::gelu_tanh});
  add({.x = {3, 31, 19}, .N = 50, .residual = true, .activation = Activation::gelu_tanh});
  add({.x = {3, 31, 19}, .N = 50, .bias = false, .residual = true, .activation = Activation::tanh});
  add({.x = {5, 19}, .N = 23, .residual = true, .activation = Activation::relu});
  add({.x = {1030, 24}, .N = 40, .residual = true, .activation = Activation::gelu_erf});  // B is rearranged
  add({.x = {40, 24}, .N = 1030});                                                        // and in dw
  for (const LinearCase& c :
       std::initializer_list<LinearCase>{// ViT-B, batch 8
                                         {.x = {8, 197, 768}, .N = 2304},
                                         {.x = {8, 197, 768}, .N = 768, .residual = true},
                                         {.x = {8, 197, 768}, .N = 3072, .activation = Activation::gelu_erf},
                                         {.x = {8, 197, 3072}, .N = 768, .residual = true},
                                         {.x = {8, 768}, .N = 1000},
                                         // a ViT for CIFAR, batch 128
                                         {.x = {128, 65, 256}, .N = 768},
                                         {.x = {128, 65, 256}, .N = 512, .activation = Activation::gelu_erf},
                                         {.x = {128, 65, 192}, .N = 192, .residual = true}}) {
    add(c);
    cases.back().benchmark = true;
    cases.back().flops = 2.0 * static_cast<double>(c.x.numel() * c.N);
  }
}

}  // namespace tessera::test
