#include "tessera/ops/tokens.h"

#include "tests/harness/op_case.h"
#include "tests/ref/tokens.h"

namespace tessera::test {

namespace {

OpCase concat_case(const std::string& name, std::vector<Shape> shapes) {
  std::vector<Input> inputs;
  for (const Shape& shape : shapes) inputs.push_back({.name = fmt::format("part {}", inputs.size()), .shape = shape});
  return op_case(
      "tokens", "concat " + name, inputs, [](const auto& x) { return ops::concat_tokens(x); },
      [](const auto& x) { return ref_concat_tokens(x); });
}

OpCase slice_case(Shape x, int64_t begin, int64_t count) {
  return op_case(
      "tokens", fmt::format("slice {} from {} count {}", to_string(x), begin, count), {{.name = "x", .shape = x}},
      [=](const auto& in) { return ops::slice_tokens(in[0], begin, count); },
      [=](const auto& in) { return ref_slice_tokens(in[0], begin, count); });
}

}  // namespace

void register_tokens_cases(OpCases& cases) {
  cases.push_back(concat_case("class token", {{1, 1, 5}, {3, 4, 5}}));
  cases.push_back(concat_case("class and register tokens", {{1, 1, 33}, {1, 4, 33}, {2, 64, 33}}));
  cases.push_back(concat_case("of every sample", {{4, 2, 7}, {4, 3, 7}}));
  cases.push_back(concat_case("behind", {{3, 4, 5}, {1, 1, 5}}));
  cases.push_back(concat_case("one sample", {{1, 1, 5}, {1, 6, 5}}));
  cases.push_back(concat_case("several pieces", {{1, 1, 67}, {9, 130, 67}}));
  cases.push_back(slice_case({3, 5, 7}, 0, 5));
  cases.push_back(slice_case({3, 5, 7}, 1, 4));
  cases.push_back(slice_case({2, 9, 33}, 3, 2));
  cases.push_back(slice_case({9, 130, 67}, 1, 129));
  cases.push_back(op_case(
      "tokens", "take", {{.name = "x", .shape = {4, 6, 9}}}, [](const auto& x) { return ops::take_token(x[0], 2); },
      [](const auto& x) {
        auto y = ref_slice_tokens(x[0], 2, 1);
        y.shape = Shape{4, 9};
        return y;
      }));
  cases.push_back(op_case(
      "tokens", "two slices of one tensor", {{.name = "x", .shape = {3, 7, 5}}},
      [](const auto& x) {
        return ops::concat_tokens({ops::slice_tokens(x[0], 4, 3), ops::slice_tokens(x[0], 1, 5)});
      },
      [](const auto& x) {
        return ref_concat_tokens(std::vector{ref_slice_tokens(x[0], 4, 3), ref_slice_tokens(x[0], 1, 5)});
      }));
  cases.push_back(concat_case("ViT-B", {{1, 1, 768}, {8, 196, 768}}));
  cases.back().benchmark = true;
  cases.push_back(slice_case({8, 197, 768}, 1, 196));
  cases.back().benchmark = true;
}

}  // namespace tessera::test
