#include "tessera/ops/add.h"

#include "tests/harness/op_case.h"
#include "tests/ref/add.h"

namespace tessera::test {

namespace {

OpCase add_case(Shape shape) {
  return op_case(
      "add", to_string(shape), {{.name = "a", .shape = shape}, {.name = "b", .shape = shape}},
      [](const auto& x) { return ops::add(x[0], x[1]); }, [](const auto& x) { return ref_add(x[0], x[1]); });
}

}  // namespace

void register_add_cases(OpCases& cases) {
  cases.push_back(add_case({1}));
  cases.push_back(add_case({3, 5, 7}));
  cases.push_back(add_case({96, 701}));  // several pieces
  cases.push_back(op_case(
      "add", "to itself", {{.name = "x", .shape = {5, 3}}}, [](const auto& x) { return ops::add(x[0], x[0]); },
      [](const auto& x) { return ref_add(x[0], x[0]); }));
  cases.push_back(op_case(
      "add", "twice to a sum", {{.name = "a", .shape = {5, 3}}, {.name = "b", .shape = {5, 3}}},
      [](const auto& x) { return ops::add(ops::add(x[0], x[1]), x[0]); },
      [](const auto& x) { return ref_add(ref_add(x[0], x[1]), x[0]); }));
  cases.push_back(add_case({8, 197, 768}));
  cases.back().benchmark = true;
}

}  // namespace tessera::test
