#include "tessera/ops/columns.h"

#include "tests/harness/op_case.h"
#include "tests/ref/columns.h"

namespace tessera::test {

void register_columns_cases(OpCases& cases) {
  for (const auto& [begin, count] : {std::pair<int64_t, int64_t>{0, 3}, {3, 4}, {6, 1}, {0, 7}}) {
    cases.push_back(op_case(
        "columns", "begin=" + std::to_string(begin) + " count=" + std::to_string(count), {{"x", {150, 7}}},
        [begin = begin, count = count](const auto& x) { return ops::columns(x[0], begin, count); },
        [begin = begin, count = count](const auto& x) { return ref_columns(x[0], begin, count); }));
  }
}

}  // namespace tessera::test
