#include "tessera/ops/local_response_norm.h"

#include "tests/harness/op_case.h"
#include "tests/ref/local_response_norm.h"

namespace tessera::test {

namespace {

OpCase local_response_case(int64_t P, int64_t C, const ops::LocalResponse& norm, double deviation = 1) {
  return op_case(
      "local_response_norm",
      fmt::format("{} pixels of {} channels, window {} alpha {} beta {} k {}", P, C, norm.size, norm.alpha, norm.beta,
                  norm.k),
      {{.name = "x", .shape = {P, C}, .deviation = deviation}},
      [norm](const auto& x) { return ops::local_response_norm(x[0], norm); },
      [norm](const auto& x) { return ref_local_response_norm(x[0], norm); });
}

}  // namespace

void register_local_response_norm_cases(OpCases& cases) {
  const ops::LocalResponse alexnet = {.size = 5, .alpha = 1e-4f, .beta = 0.75f, .k = 2};
  const ops::LocalResponse strong = {.size = 5, .alpha = 3, .beta = 0.75f, .k = 0.5f};
  cases.push_back(local_response_case(1, 1, strong));
  cases.push_back(local_response_case(3, 3, strong));  // fewer channels than the window
  cases.push_back(local_response_case(5, 33, alexnet, 100));
  cases.push_back(local_response_case(9, 37, strong));
  cases.push_back(local_response_case(7, 64, {.size = 4, .alpha = 2, .beta = 1.5f, .k = 1}));  // not symmetric
  cases.push_back(local_response_case(7, 20, {.size = 1, .alpha = 1, .beta = 0.5f, .k = 1}));
  cases.push_back(local_response_case(8 * 55 * 55, 96, alexnet, 10));
  cases.back().benchmark = true;
}

}  // namespace tessera::test
