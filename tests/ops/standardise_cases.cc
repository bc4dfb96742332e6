#include "tessera/ops/standardise.h"

#include "tests/harness/op_case.h"
#include "tests/ref/standardise.h"

namespace tessera::test {

namespace {

OpCase standardise_case(int64_t O, int64_t K, float eps, ops::EpsilonOn on, double deviation = 1) {
  const bool variance = on == ops::EpsilonOn::variance;
  return op_case(
      "standardise", fmt::format("O={} K={} eps={} on the {}", O, K, eps, variance ? "variance" : "deviation"),
      {{.name = "w", .shape = {O, K}, .mean = 0.2, .deviation = deviation}},
      [=](const auto& x) { return ops::standardise(x[0], eps, on); },
      [=](const auto& x) { return ref_standardise(x[0], eps, variance); });
}

}  // namespace

void register_standardise_cases(OpCases& cases) {
  for (const ops::EpsilonOn on : {ops::EpsilonOn::variance, ops::EpsilonOn::deviation}) {
    cases.push_back(standardise_case(1, 2, 1e-5f, on));
    cases.push_back(standardise_case(5, 7, 1e-8f, on));
    cases.push_back(standardise_case(33, 147, 1e-5f, on));
    cases.push_back(standardise_case(64, 577, 1e-8f, on));
    cases.push_back(standardise_case(3, 50, 1e-2f, on, 0.05));  // eps shows
  }
  cases.push_back(standardise_case(512, 512 * 9, 1e-8f, ops::EpsilonOn::variance));
  cases.back().benchmark = true;
}

}  // namespace tessera::test
