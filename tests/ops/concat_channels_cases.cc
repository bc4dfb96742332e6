#include "tessera/ops/concat_channels.h"

#include "tests/harness/op_case.h"
#include "tests/ref/concat_channels.h"

namespace tessera::test {

namespace {

OpCase concat_case(const std::string& name, const std::vector<Shape>& shapes) {
  std::vector<Input> inputs;
  for (const Shape& shape : shapes) inputs.push_back({.name = fmt::format("part {}", inputs.size()), .shape = shape});
  return op_case(
      "concat_channels", name, inputs, [](const auto& x) { return ops::concat_channels(x); },
      [](const auto& x) { return ref_concat_channels(x); });
}

}  // namespace

void register_concat_channels_cases(OpCases& cases) {
  cases.push_back(concat_case("one", {{2, 3, 2, 5}}));
  cases.push_back(concat_case("one pixel", {{1, 1, 1, 3}, {1, 1, 1, 4}}));
  cases.push_back(concat_case("four branches", {{2, 3, 5, 7}, {2, 3, 5, 1}, {2, 3, 5, 16}, {2, 3, 5, 3}}));
  cases.push_back(concat_case("several pieces", {{3, 21, 21, 33}, {3, 21, 21, 40}}));
  cases.push_back(concat_case("inception 3b", {{8, 28, 28, 128}, {8, 28, 28, 192}, {8, 28, 28, 96}, {8, 28, 28, 64}}));
  cases.back().benchmark = true;
}

}  // namespace tessera::test
