#include "tests/harness/op_case.h"
#include "tests/ref/complex.h"

namespace tessera::test {

namespace {

OpCase pool_case(const Shape& shape, const ops::PoolOptions& o, bool max) {
  return op_case(
      "pooling",
      fmt::format("{} {} kernel {} {} stride {} {} padding {} {} {} {}{}{}", max ? "max" : "avg", to_string(shape),
                  o.kernel.h, o.kernel.w, o.stride.h, o.stride.w, o.padding.top, o.padding.left, o.padding.bottom,
                  o.padding.right, o.ceil_mode ? " ceil" : "", o.count_include_pad ? "" : " pixels only"),
      {{.name = "x", .shape = shape}},
      [=](const auto& x) { return max ? ops::max_pool2d(x[0], o) : ops::avg_pool2d(x[0], o); },
      [=](const auto& x) { return ref_pool2d(x[0], o, max); });
}

OpCase magnitude_pool_case(const Shape& shape, const ops::PoolOptions& o) {
  return op_case(
      "pooling",
      fmt::format("magnitude {} kernel {} {} stride {} {} padding {}", to_string(shape), o.kernel.h, o.kernel.w,
                  o.stride.h, o.stride.w, o.padding.top),
      {{.name = "x", .shape = shape}}, [=](const auto& x) { return ops::magnitude_pool2d(x[0], o); },
      [=](const auto& x) { return ref_magnitude_pool2d(x[0], o); });
}

OpCase mean_tokens_case(const Shape& shape, int64_t first) {
  return op_case(
      "pooling", fmt::format("mean tokens {} from {}", to_string(shape), first), {{.name = "x", .shape = shape}},
      [first](const auto& x) { return ops::mean_tokens(x[0], first); },
      [first](const auto& x) { return ref_mean_tokens(x[0], first); });
}

}  // namespace

void register_pooling_cases(OpCases& cases) {
  for (const bool max : {true, false}) {
    cases.push_back(pool_case({1, 1, 1, 1}, {.kernel = {1, 1}, .stride = {1, 1}}, max));
    cases.push_back(pool_case({2, 9, 7, 5}, {.kernel = {2, 2}, .stride = {2, 2}}, max));
    cases.push_back(pool_case({2, 9, 8, 33}, {.kernel = {3, 2}, .stride = {2, 3}, .padding = {1, 0, 0, 1}}, max));
    for (const bool ceil : {false, true})
      for (const bool include : {false, true}) {
        if (max && !include) continue;
        cases.push_back(pool_case({2, 8, 10, 3},
                                  {.kernel = {3, 3},
                                   .stride = {2, 2},
                                   .padding = {1, 1, 1, 1},
                                   .ceil_mode = ceil,
                                   .count_include_pad = include},
                                  max));
        // The last window would start in the padding after the picture, and is dropped.
        cases.push_back(pool_case({1, 5, 6, 2},
                                  {.kernel = {2, 3},
                                   .stride = {3, 4},
                                   .padding = {1, 2, 1, 2},
                                   .ceil_mode = ceil,
                                   .count_include_pad = include},
                                  max));
      }
    cases.push_back(pool_case({2, 40, 40, 20}, {.kernel = {3, 3}, .stride = {1, 1}, .padding = {1, 1, 1, 1}}, max));
    cases.push_back(pool_case({8, 112, 112, 64}, {.kernel = {3, 3}, .stride = {2, 2}, .padding = {1, 1, 1, 1}}, max));
    cases.back().benchmark = true;
  }
  cases.push_back(magnitude_pool_case({2, 9, 7, 10}, {.kernel = {2, 2}, .stride = {2, 2}}));
  cases.push_back(magnitude_pool_case({2, 8, 9, 34}, {.kernel = {3, 2}, .stride = {2, 1}, .padding = {1, 1, 1, 1}}));
  cases.push_back(magnitude_pool_case({64, 32, 32, 64}, {.kernel = {2, 2}, .stride = {2, 2}}));
  cases.back().benchmark = true;
  cases.push_back(mean_tokens_case({1, 1, 1}, 0));
  cases.push_back(mean_tokens_case({3, 7, 5}, 0));
  cases.push_back(mean_tokens_case({3, 7, 5}, 6));
  cases.push_back(mean_tokens_case({3, 65, 130}, 1));
  cases.push_back(mean_tokens_case({8, 197, 768}, 1));
  cases.back().benchmark = true;
}

}  // namespace tessera::test
