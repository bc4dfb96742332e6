#include <algorithm>

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

OpCase adaptive_case(const Shape& shape, ops::Extent2d out) {
  return op_case(
      "pooling", fmt::format("adaptive {} to {} {}", to_string(shape), out.h, out.w), {{.name = "x", .shape = shape}},
      [out](const auto& x) { return ops::adaptive_avg_pool2d(x[0], out); },
      [out](const auto& x) { return ref_adaptive_avg_pool2d(x[0], out.h, out.w); });
}

OpCase global_case(const Shape& shape) {
  return op_case(
      "pooling", "global " + to_string(shape), {{.name = "x", .shape = shape}},
      [](const auto& x) { return ops::global_avg_pool2d(x[0]); },
      [](const auto& x) {
        auto y = ref_adaptive_avg_pool2d(x[0], 1, 1);
        y.shape = Shape{x[0].size(0), x[0].size(3)};
        return y;
      });
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

// Sample b lets every token count, then fewer; the last one none.
OpCase masked_mean_case(const Shape& shape) {
  std::vector<uint8_t> counts;
  for (int64_t b = 0; b < shape[0]; ++b)
    for (int64_t n = 0; n < shape[1]; ++n) counts.push_back(b + 1 < shape[0] && (b == 0 || (n + b) % (b + 1) != 0));
  const Tensor mask = Tensor::empty({shape[0], shape[1]}, DType::u8);
  std::copy(counts.begin(), counts.end(), mask.data<uint8_t>());
  return op_case(
      "pooling", "masked mean tokens " + to_string(shape), {{.name = "x", .shape = shape}},
      [mask](const auto& x) { return ops::mean_tokens(x[0], mask); },
      [counts](const auto& x) { return ref_mean_tokens(x[0], counts); });
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
  cases.push_back(adaptive_case({1, 1, 1, 1}, {1, 1}));
  cases.push_back(adaptive_case({2, 12, 9, 5}, {6, 3}));    // equal parts
  cases.push_back(adaptive_case({2, 13, 10, 33}, {6, 7}));  // that overlap
  cases.push_back(adaptive_case({3, 2, 1, 7}, {7, 5}));     // that repeat pixels
  cases.push_back(adaptive_case({2, 3, 4, 2}, {3, 4}));     // the picture itself
  cases.push_back(global_case({3, 7, 5, 17}));
  cases.push_back(magnitude_pool_case({2, 9, 7, 10}, {.kernel = {2, 2}, .stride = {2, 2}}));
  cases.push_back(magnitude_pool_case({2, 8, 9, 34}, {.kernel = {3, 2}, .stride = {2, 1}, .padding = {1, 1, 1, 1}}));
  cases.push_back(magnitude_pool_case({64, 32, 32, 64}, {.kernel = {2, 2}, .stride = {2, 2}}));
  cases.back().benchmark = true;
  cases.push_back(mean_tokens_case({1, 1, 1}, 0));
  cases.push_back(mean_tokens_case({3, 7, 5}, 0));
  cases.push_back(mean_tokens_case({3, 7, 5}, 6));
  cases.push_back(mean_tokens_case({3, 65, 130}, 1));
  cases.push_back(mean_tokens_case({1, 2000, 40}, 1));  // threads share the tokens
  cases.push_back(masked_mean_case({2, 1, 1}));
  cases.push_back(masked_mean_case({4, 7, 5}));
  cases.push_back(masked_mean_case({3, 65, 130}));
  cases.push_back(masked_mean_case({2, 2000, 40}));
  cases.push_back(mean_tokens_case({8, 197, 768}, 1));
  cases.back().benchmark = true;
}

}  // namespace tessera::test
