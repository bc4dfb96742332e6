#include "tessera/ops/complex_cross_entropy.h"

#include "tests/harness/op_case.h"
#include "tests/ref/complex.h"

namespace tessera::test {

namespace {

OpCase loss_case(int64_t B, int64_t K, double phase_weight, double divisor = 0) {
  return op_case(
      "complex_cross_entropy", fmt::format("{} {} lambda={} divisor={}", B, K, phase_weight, divisor),
      {{.name = "z", .shape = {B, 2 * K}, .keep_from_zero = 0.05},
       {.name = "targets", .shape = {B, K}, .mean = 0.2, .deviation = 0.1, .differentiable = false}},
      [=](const auto& x) {
        return ops::complex_cross_entropy(x[0], x[1], {.phase_weight = phase_weight, .divisor = divisor});
      },
      [=](const auto& x) {
        const auto m = ref_magnitude(x[0]);
        auto loss = m;
        loss.shape = {1}, loss.data.assign(1, 0);
        const double n = divisor != 0 ? divisor : static_cast<double>(B);
        for (int64_t b = 0; b < B; ++b) {
          auto sum = loss[0] - loss[0];
          for (int64_t k = 0; k < K; ++k) sum += exp(m(b, k));
          for (int64_t k = 0; k < K; ++k) {
            const auto z = number(x[0], b, k);
            loss[0] +=
                x[1](b, k) * (log(sum) - m(b, k) - phase_weight / static_cast<double>(K) * atan2(z.im, z.re)) / (2 * n);
          }
        }
        return loss;
      });
}

}  // namespace

void register_complex_cross_entropy_cases(OpCases& cases) {
  cases.push_back(loss_case(1, 2, 1));
  cases.push_back(loss_case(5, 10, 1));
  cases.push_back(loss_case(5, 10, 3, 8));
  cases.push_back(loss_case(70, 100, 0));
}

}  // namespace tessera::test
