#include "tessera/ops/group_norm.h"

#include "tests/harness/op_case.h"
#include "tests/ref/group_norm.h"

namespace tessera::test {

namespace {

OpCase group_norm_case(const Shape& shape, const ops::GroupNormOptions& o, double deviation = 1) {
  const int64_t C = shape[2];
  return op_case(
      "group_norm", fmt::format("{} groups={} eps={}{}", to_string(shape), o.groups, o.eps, o.relu ? " relu" : ""),
      {{.name = "x", .shape = shape, .mean = 0.5, .deviation = deviation},
       {.name = "gamma", .shape = {C}, .mean = 1, .deviation = 0.3},
       {.name = "beta", .shape = {C}}},
      [o](const auto& x) { return ops::group_norm(x[0], x[1], x[2], o); },
      [o](const auto& x) { return ref_group_norm(x[0], x[1], x[2], o.groups, o.eps, o.relu); });
}

}  // namespace

void register_group_norm_cases(OpCases& cases) {
  for (const bool relu : {false, true}) {
    cases.push_back(group_norm_case({1, 1, 1}, {.groups = 1, .eps = 1e-2f, .relu = relu}));
    cases.push_back(group_norm_case({2, 5, 6}, {.groups = 6, .eps = 1e-6f, .relu = relu}));  // one channel each
    cases.push_back(group_norm_case({3, 7, 9}, {.groups = 3, .eps = 1e-5f, .relu = relu}));
    cases.push_back(group_norm_case({2, 33, 10}, {.groups = 1, .eps = 1e-5f, .relu = relu}));
    cases.push_back(group_norm_case({2, 49, 64}, {.groups = 32, .eps = 1e-5f, .relu = relu}));
    cases.push_back(group_norm_case({2, 9, 100}, {.groups = 5, .eps = 1e-2f, .relu = relu}, 0.05));  // eps shows
    cases.push_back(group_norm_case({2, 700, 96}, {.groups = 32, .eps = 1e-5f, .relu = relu}));      // several threads
  }
  cases.push_back(group_norm_case({4, 56 * 56, 64}, {.groups = 32, .eps = 1e-5f, .relu = true}));
  cases.back().benchmark = true;
}

}  // namespace tessera::test
