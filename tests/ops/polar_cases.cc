#include "tessera/ops/polar.h"

#include "tests/harness/op_case.h"
#include "tests/ref/complex.h"

namespace tessera::test {

namespace {

OpCase magnitude_case(int64_t P, int64_t C) {
  return op_case(
      "polar", fmt::format("magnitude {} {}", P, C), {{.name = "z", .shape = {P, 2 * C}}},
      [](const auto& x) { return ops::magnitude(x[0]); }, [](const auto& x) { return ref_magnitude(x[0]); });
}

OpCase phase_case(int64_t P, int64_t C) {
  return op_case(
      "polar", fmt::format("weighted phase {} {}", P, C),
      {{.name = "z", .shape = {P, 2 * C}, .keep_from_zero = 0.05},
       {.name = "w", .shape = {P, C}, .differentiable = false}},
      [](const auto& x) { return ops::weighted_phase(x[0], x[1]); },
      [=](const auto& x) {
        auto sum = x[1];
        sum.shape = {1}, sum.data.assign(1, 0);
        for (int64_t i = 0; i < P * C; ++i) {
          const auto z = number(x[0], i / C, i % C);
          sum[0] += x[1][i] * atan2(z.im, z.re);
        }
        return sum;
      });
}

}  // namespace

void register_polar_cases(OpCases& cases) {
  for (const auto& [P, C] : {std::pair<int64_t, int64_t>{1, 1}, {7, 10}, {2000, 33}}) {
    cases.push_back(magnitude_case(P, C));
    cases.push_back(phase_case(P, C));
  }
}

}  // namespace tessera::test
