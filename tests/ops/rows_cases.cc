#include "tessera/ops/rows.h"

#include "tessera/ops/tokens.h"
#include "tests/harness/op_case.h"
#include "tests/ref/rows.h"
#include "tests/ref/tokens.h"

namespace tessera::test {

void register_rows_cases(OpCases& cases) {
  for (const auto& [begin, count] : {std::pair<int64_t, int64_t>{0, 5}, {5, 12}, {16, 1}, {0, 17}}) {
    cases.push_back(op_case(
        "rows", fmt::format("from {} count {}", begin, count), {{.name = "x", .shape = {17, 9}}},
        [begin = begin, count = count](const auto& x) { return ops::rows(x[0], begin, count); },
        [begin = begin, count = count](const auto& x) { return ref_rows(x[0], begin, count); }));
  }
  // The gradients of parts that overlap add up; rows that no part has get zero.
  cases.push_back(op_case(
      "rows", "two parts of one tensor", {{.name = "x", .shape = {11, 4}}},
      [](const auto& x) {
        return ops::concat_tokens({ops::rows(x[0], 1, 6).reshape({1, 6, 4}), ops::rows(x[0], 5, 4).reshape({1, 4, 4})});
      },
      [](const auto& x) {
        auto first = ref_rows(x[0], 1, 6), second = ref_rows(x[0], 5, 4);
        first.shape = Shape{1, 6, 4};
        second.shape = Shape{1, 4, 4};
        return ref_concat_tokens(std::vector{first, second});
      }));
}

}  // namespace tessera::test
