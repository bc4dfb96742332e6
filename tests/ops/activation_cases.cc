#include "tessera/ops/activation.h"

#include "tests/harness/op_case.h"
#include "tests/ref/activation.h"

namespace tessera::test {

namespace {

OpCase activation_case(Shape shape, ops::Activation activation, double deviation) {
  return op_case(
      "activation", fmt::format("{} {} σ={}", name_of(activation), to_string(shape), deviation),
      {{.name = "x", .shape = shape, .deviation = deviation, .keep_from_zero = 1e-3}},
      [activation](const auto& x) { return ops::activate(x[0], activation); },
      [activation](const auto& x) { return ref_activate(x[0], activation); });
}

}  // namespace

void register_activation_cases(OpCases& cases) {
  using ops::Activation;
  for (const Activation activation :
       {Activation::relu, Activation::gelu_erf, Activation::gelu_tanh, Activation::tanh, Activation::sigmoid,
        Activation::silu, Activation::relu6, Activation::hard_swish}) {
    cases.push_back(activation_case({1}, activation, 1));
    cases.push_back(activation_case({3, 5, 7}, activation, 0.3));
    cases.push_back(activation_case({5, 1031}, activation, 1));
    cases.push_back(activation_case({33, 1031}, activation, 4));  // tails, and more than one piece
    cases.push_back(activation_case({8 * 197, 3072}, activation, 1));
    cases.back().benchmark = true;
  }
}

}  // namespace tessera::test
