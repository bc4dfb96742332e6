#include "tessera/ops/softmax.h"

#include "tests/harness/op_case.h"
#include "tests/ref/softmax.h"

namespace tessera::test {

namespace {

OpCase softmax_case(Shape shape, double mean = 0, double deviation = 2) {
  return op_case(
      "softmax", fmt::format("{} mean={} deviation={}", to_string(shape), mean, deviation),
      {{.name = "x", .shape = shape, .mean = mean, .deviation = deviation}},
      [](const auto& x) { return ops::softmax(x[0]); }, [](const auto& x) { return ref_softmax(x[0]); });
}

}  // namespace

void register_softmax_cases(OpCases& cases) {
  cases.push_back(softmax_case({3, 1}));
  cases.push_back(softmax_case({2, 5, 7}));
  cases.push_back(softmax_case({9, 65}));
  cases.push_back(softmax_case({700, 67}));         // several pieces
  cases.push_back(softmax_case({5, 33}, -60, 40));  // some underflow
  cases.push_back(softmax_case({5, 19}, 1e4, 0));   // all equal, and exp of them is not finite
  cases.push_back(softmax_case({12 * 197, 197}));
  cases.back().benchmark = true;
}

}  // namespace tessera::test
