#include "tessera/ops/swiglu.h"

#include "tests/harness/op_case.h"
#include "tests/ref/swiglu.h"

namespace tessera::test {

namespace {

OpCase separate(Shape shape, double deviation = 1) {
  return op_case(
      "swiglu", fmt::format("{} σ={}", to_string(shape), deviation),
      {{.name = "gate", .shape = shape, .deviation = deviation}, {.name = "x", .shape = shape, .mean = 0.3}},
      [](const auto& x) { return ops::swiglu(x[0], x[1]); }, [](const auto& x) { return ref_swiglu(x[0], x[1]); });
}

OpCase packed(Shape shape, double deviation = 1) {
  return op_case(
      "swiglu", fmt::format("packed {} σ={}", to_string(shape), deviation),
      {{.name = "packed", .shape = shape, .deviation = deviation}}, [](const auto& x) { return ops::swiglu(x[0]); },
      [](const auto& x) { return ref_swiglu(x[0]); });
}

}  // namespace

void register_swiglu_cases(OpCases& cases) {
  cases.push_back(separate({1}));
  cases.push_back(separate({3, 5, 7}));
  cases.push_back(separate({33, 1031}, 6));  // tails, several pieces, gates that are nearly shut
  cases.push_back(packed({2}));
  cases.push_back(packed({3, 5, 14}, 6));
  cases.push_back(packed({33, 2 * 517}));
  cases.push_back(packed({8 * 197, 2 * 2048}));
  cases.back().benchmark = true;
}

}  // namespace tessera::test
