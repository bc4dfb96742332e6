#include "tessera/ops/scale_channels.h"

#include "tests/harness/op_case.h"
#include "tests/ref/scale_channels.h"

namespace tessera::test {

namespace {

OpCase scale_channels_case(const Shape& x) {
  return op_case(
      "scale_channels", to_string(x),
      {{.name = "x", .shape = x}, {.name = "gate", .shape = {x[0], x[3]}, .mean = 0.5, .deviation = 0.3}},
      [](const auto& in) { return ops::scale_channels(in[0], in[1]); },
      [](const auto& in) { return ref_scale_channels(in[0], in[1]); });
}

}  // namespace

void register_scale_channels_cases(OpCases& cases) {
  cases.push_back(scale_channels_case({1, 1, 1, 1}));
  cases.push_back(scale_channels_case({3, 2, 5, 7}));
  cases.push_back(scale_channels_case({2, 9, 8, 33}));
  cases.push_back(scale_channels_case({5, 21, 20, 40}));  // several pieces
  cases.push_back(scale_channels_case({1, 56, 56, 144}));
  cases.back().benchmark = true;
  cases.push_back(scale_channels_case({16, 14, 14, 672}));
  cases.back().benchmark = true;
}

}  // namespace tessera::test
