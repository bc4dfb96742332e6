#include "tessera/ops/unfold.h"

#include "tests/harness/op_case.h"
#include "tests/ref/unfold.h"

namespace tessera::test {

namespace {

OpCase unfold_case(Shape pictures, int64_t Ph, int64_t Pw) {
  return op_case(
      "unfold", fmt::format("{} by {}x{}", to_string(pictures), Ph, Pw), {{.name = "x", .shape = pictures}},
      [=](const auto& x) { return ops::unfold(x[0], Ph, Pw); },
      [=](const auto& x) { return ref_unfold(x[0], Ph, Pw); });
}

}  // namespace

void register_unfold_cases(OpCases& cases) {
  cases.push_back(unfold_case({2, 8, 8, 3}, 4, 4));
  cases.push_back(unfold_case({3, 11, 9, 3}, 4, 2));  // the rest is cut off, right and below
  cases.push_back(unfold_case({1, 5, 7, 1}, 5, 7));
  cases.push_back(unfold_case({2, 6, 13, 1}, 2, 3));
  cases.push_back(unfold_case({2, 9, 9, 5}, 3, 2));
  cases.push_back(unfold_case({1, 3, 3, 3}, 1, 1));
  cases.push_back(unfold_case({5, 80, 90, 3}, 16, 16));  // several pieces
  cases.push_back(unfold_case({8, 224, 224, 3}, 16, 16));
  cases.back().benchmark = true;
  cases.push_back(unfold_case({128, 32, 32, 3}, 4, 4));
  cases.back().benchmark = true;
}

}  // namespace tessera::test
