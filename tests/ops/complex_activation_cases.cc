#include "tessera/ops/complex_activation.h"

#include "tests/harness/op_case.h"
#include "tests/ref/complex.h"

namespace tessera::test {

namespace {

using ops::ComplexActivation;

constexpr const char* kNames[] = {"modrelu", "zrelu", "cardioid", "cprelu"};

OpCase activation_case(int64_t P, int64_t C, ComplexActivation activation) {
  std::vector<Input> inputs = {{.name = "x", .shape = {P, 2 * C}, .keep_from_zero = 1e-3}};
  if (activation == ComplexActivation::modrelu)
    inputs.push_back({.name = "b", .shape = {C}, .mean = -0.5, .deviation = 0.6});
  if (activation == ComplexActivation::cprelu) inputs.push_back({.name = "slopes", .shape = {2}});
  return op_case(
      "complex_activation", fmt::format("{} {} {}", kNames[static_cast<int>(activation)], P, C), inputs,
      [activation](const auto& x) { return ops::complex_activate(x[0], activation, x.size() > 1 ? x[1] : Tensor()); },
      [activation](const auto& x) { return ref_complex_activate(x[0], activation, x.size() > 1 ? &x[1] : nullptr); });
}

}  // namespace

void register_complex_activation_cases(OpCases& cases) {
  for (const auto activation :
       {ComplexActivation::modrelu, ComplexActivation::zrelu, ComplexActivation::cardioid, ComplexActivation::cprelu}) {
    cases.push_back(activation_case(1, 1, activation));
    cases.push_back(activation_case(7, 5, activation));
    cases.push_back(activation_case(33, 16, activation));
    cases.push_back(activation_case(900, 37, activation));
    cases.push_back(activation_case(64 * 16 * 16, 32, activation));
    cases.back().benchmark = true;
  }
}

}  // namespace tessera::test
