#include "tessera/ops/positions.h"

#include "tests/harness/op_case.h"
#include "tests/ref/add.h"

namespace tessera::test {

namespace {

OpCase positions_case(Shape x, Shape positions) {
  return op_case(
      "positions", to_string(x) + " + " + to_string(positions),
      {{.name = "x", .shape = x}, {.name = "positions", .shape = positions}},
      [](const auto& in) { return ops::add_positions(in[0], in[1]); },
      [](const auto& in) { return ref_add(in[0], in[1]); });
}

}  // namespace

void register_positions_cases(OpCases& cases) {
  cases.push_back(positions_case({1, 1, 1}, {1, 1}));
  cases.push_back(positions_case({3, 5, 7}, {5, 7}));
  cases.push_back(positions_case({2, 65, 33}, {1, 65, 33}));
  cases.push_back(positions_case({7, 65, 130}, {65, 130}));  // several pieces, several chunks
  cases.push_back(positions_case({8, 197, 768}, {197, 768}));
  cases.back().benchmark = true;
}

}  // namespace tessera::test
