#include "tessera/ops/layer_norm.h"

#include "tests/harness/op_case.h"
#include "tests/ref/layer_norm.h"

namespace tessera::test {

namespace {

OpCase layer_norm_case(int64_t rows, int64_t D, float eps, double deviation = 1) {
  return op_case(
      "layer_norm", "rows=" + std::to_string(rows) + " D=" + std::to_string(D) + " eps=" + std::to_string(eps),
      {{.name = "x", .shape = {rows, D}, .mean = 0.5, .deviation = deviation},
       {.name = "gamma", .shape = {D}, .mean = 1, .deviation = 0.3},
       {.name = "beta", .shape = {D}}},
      [eps](const auto& x) { return ops::layer_norm(x[0], x[1], x[2], eps); },
      [eps](const auto& x) { return ref_layer_norm(x[0], x[1], x[2], eps); });
}

}  // namespace

void register_layer_norm_cases(OpCases& cases) {
  cases.push_back(layer_norm_case(1, 1, 1e-2f));
  cases.push_back(layer_norm_case(5, 7, 1e-6f));
  cases.push_back(layer_norm_case(37, 33, 1e-6f));
  cases.push_back(layer_norm_case(65, 192, 1e-5f));
  cases.push_back(layer_norm_case(9, 100, 1e-2f, 0.05));  // eps shows
  cases.push_back(layer_norm_case(8 * 197, 768, 1e-6f));
  cases.back().benchmark = true;
}

}  // namespace tessera::test
