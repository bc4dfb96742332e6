#include "tessera/ops/flatten.h"

#include "tests/harness/op_case.h"
#include "tests/ref/flatten.h"

namespace tessera::test {

namespace {

OpCase flatten_case(const Shape& shape) {
  return op_case(
      "flatten", to_string(shape), {{.name = "x", .shape = shape}}, [](const auto& x) { return ops::flatten(x[0]); },
      [](const auto& x) { return ref_flatten(x[0]); });
}

}  // namespace

void register_flatten_cases(OpCases& cases) {
  cases.push_back(flatten_case({3, 1, 1, 5}));
  cases.push_back(flatten_case({2, 3, 4, 1}));
  cases.push_back(flatten_case({2, 5, 7, 33}));
  cases.push_back(flatten_case({3, 6, 6, 16}));
  cases.push_back(flatten_case({8, 7, 7, 512}));
  cases.back().benchmark = true;
}

}  // namespace tessera::test
