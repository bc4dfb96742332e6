#include "tessera/ops/scale.h"

#include "tests/harness/op_case.h"
#include "tests/ref/scale.h"

namespace tessera::test {

namespace {

OpCase scale_case(Shape shape) {
  return op_case(
      "scale", to_string(shape),
      {{.name = "x", .shape = shape}, {.name = "gamma", .shape = {shape[-1]}, .mean = 0.1, .deviation = 0.3}},
      [](const auto& x) { return ops::scale(x[0], x[1]); }, [](const auto& x) { return ref_scale(x[0], x[1]); });
}

}  // namespace

void register_scale_cases(OpCases& cases) {
  cases.push_back(scale_case({1}));
  cases.push_back(scale_case({2, 5, 7}));
  cases.push_back(scale_case({677, 97}));  // several pieces
  cases.push_back(scale_case({8, 197, 768}));
  cases.back().benchmark = true;
}

}  // namespace tessera::test
