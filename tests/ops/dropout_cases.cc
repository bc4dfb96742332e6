#include "tessera/ops/dropout.h"

#include "tests/harness/op_case.h"
#include "tests/ref/dropout.h"

namespace tessera::test {

namespace {

OpCase dropout_case(Shape shape, float p) {
  return op_case(
      "dropout", fmt::format("{} p={}", to_string(shape), p), {{.name = "x", .shape = shape}},
      [p](const auto& x) { return ops::dropout(x[0], p, "blocks.1.mlp.drop"); },
      [p](const auto& x) { return ref_dropout(x[0], p, "blocks.1.mlp.drop", false); });
}

OpCase drop_path_case(Shape shape, float p) {
  return op_case(
      "dropout", fmt::format("path {} p={}", to_string(shape), p), {{.name = "x", .shape = shape}},
      [p](const auto& x) { return ops::drop_path(x[0], p, "blocks.1.drop_path"); },
      [p](const auto& x) { return ref_dropout(x[0], p, "blocks.1.drop_path", true); });
}

}  // namespace

void register_dropout_cases(OpCases& cases) {
  cases.push_back(dropout_case({3, 1}, 0.5f));
  cases.push_back(dropout_case({5, 3, 7}, 0.1f));
  cases.push_back(dropout_case({2, 33, 67}, 0.9f));
  cases.push_back(dropout_case({3, 130, 131}, 0.25f));  // several pieces, several chunks
  cases.push_back(drop_path_case({9}, 0.5f));
  cases.push_back(drop_path_case({16, 5, 7}, 0.3f));
  cases.push_back(drop_path_case({7, 130, 131}, 0.6f));
  // In evaluation mode both are the identity.
  cases.push_back(op_case(
      "dropout", "evaluation", {{.name = "x", .shape = {4, 5}}},
      [](const auto& x) { return ops::drop_path(ops::dropout(x[0], 0.5f, "a"), 0.5f, "b"); },
      [](const auto& x) { return x[0]; }));
  cases.back().training = false;
  cases.push_back(dropout_case({8, 197, 768}, 0.1f));
  cases.back().benchmark = true;
}

}  // namespace tessera::test
