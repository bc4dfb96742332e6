#include "tessera/ops/conv2d.h"

#include "tests/harness/op_case.h"
#include "tests/ref/conv2d.h"

namespace tessera::test {

namespace {

struct Conv2dCase {
  Shape x;  // (B, H, W, C)
  int64_t O;
  kernels::Extent2d kernel;
  ops::Conv2dOptions options = {};
  bool bias = true;
};

OpCase conv2d_case(const Conv2dCase& c) {
  const auto& [stride, padding, groups] = c.options;
  const Shape w = {c.O, c.x[3] / groups, c.kernel.h, c.kernel.w};
  std::vector<Input> inputs = {
      {.name = "x", .shape = c.x},
      {.name = "w", .shape = w, .deviation = 1 / std::sqrt(static_cast<double>(w.numel() / c.O))}};
  if (c.bias) inputs.push_back({.name = "bias", .shape = {c.O}});
  return op_case(
      "conv2d",
      fmt::format("{} w={} stride {} {} padding {} {} {} {} groups {}{}", to_string(c.x), to_string(w), stride.h,
                  stride.w, padding.top, padding.left, padding.bottom, padding.right, groups, c.bias ? " bias" : ""),
      inputs, [c](const auto& x) { return ops::conv2d(x[0], x[1], c.bias ? x[2] : Tensor(), c.options); },
      [c](const auto& x) {
        return ref_conv2d(x[0], x[1], c.bias ? &x[2] : nullptr, c.options.stride, c.options.padding, c.options.groups);
      });
}

}  // namespace

void register_conv2d_cases(OpCases& cases) {
  for (const Conv2dCase& c : std::initializer_list<Conv2dCase>{
           {.x = {1, 1, 1, 1}, .O = 1, .kernel = {1, 1}},
           {.x = {2, 9, 7, 5}, .O = 6, .kernel = {1, 1}, .bias = false},
           {.x = {2, 9, 7, 5}, .O = 6, .kernel = {3, 2}, .options = {.stride = {2, 1}, .padding = {1, 0, 0, 1}}},
           {.x = {2, 9, 11, 5}, .O = 7, .kernel = {2, 3}, .options = {.stride = {3, 2}, .padding = {0, 2, 1, 0}}},
           {.x = {2, 8, 8, 16}, .O = 32, .kernel = {3, 3}, .options = {.padding = {1, 1, 1, 1}}},
           {.x = {2, 9, 13, 3}, .O = 20, .kernel = {4, 4}, .options = {.stride = {4, 4}}},  // patches, a rest cut off
           {.x = {1, 17, 16, 3}, .O = 9, .kernel = {7, 7}, .options = {.stride = {2, 2}, .padding = {3, 3, 3, 3}}},
           {.x = {1, 5, 5, 3}, .O = 4, .kernel = {5, 5}, .options = {.padding = {4, 4, 4, 4}}},
           {.x = {2, 9, 7, 4}, .O = 6, .kernel = {3, 3}, .options = {.padding = {1, 1, 1, 1}, .groups = 2}},
           {.x = {2, 9, 7, 12},
           .O = 20,
           .kernel = {3, 3},
           .options = {.stride = {2, 2}, .padding = {1, 1, 1, 1}, .groups = 4},
           .bias = false},
           {.x = {2, 6, 6, 32}, .O = 64, .kernel = {3, 3}, .options = {.padding = {1, 1, 1, 1}, .groups = 8}},
           {.x = {2, 9, 7, 5},
           .O = 5,
           .kernel = {3, 3},
           .options = {.stride = {2, 2}, .padding = {1, 1, 1, 1}, .groups = 5}},
           {.x = {2, 9, 7, 5}, .O = 10, .kernel = {3, 3}, .options = {.padding = {1, 1, 1, 1}, .groups = 5}},
           {.x = {2, 9, 9, 24}, .O = 24, .kernel = {7, 7}, .options = {.padding = {3, 3, 3, 3}, .groups = 24}},
           {.x = {1, 70, 130, 9},  // the gradient of w in several bands of rows
            .O = 9,
           .kernel = {5, 5},
           .options = {.stride = {1, 2}, .padding = {2, 2, 2, 2}, .groups = 9}},
           {.x = {2, 40, 40, 40}, .O = 40, .kernel = {3, 3}, .options = {.padding = {1, 1, 1, 1}, .groups = 40}}})
    cases.push_back(conv2d_case(c));
  for (const Conv2dCase& c : std::initializer_list<Conv2dCase>{
           {.x = {8, 224, 224, 3}, .O = 768, .kernel = {16, 16}, .options = {.stride = {16, 16}}},  // ViT-B
           {.x = {8, 32, 32, 64}, .O = 64, .kernel = {3, 3}, .options = {.padding = {1, 1, 1, 1}}},
           {.x = {8, 32, 32, 256},
           .O = 256,
           .kernel = {9, 9},  // ConvMixer
            .options = {.padding = {4, 4, 4, 4}, .groups = 256}}}) {
    const kernels::Extent2d out = kernels::windows_in(
        c.x[1], c.x[2], {.kernel = c.kernel, .stride = c.options.stride, .padding = c.options.padding});
    cases.push_back(conv2d_case(c));
    cases.back().benchmark = true;
    cases.back().flops = 2.0 * static_cast<double>(c.x[0] * out.h * out.w * cases.back().inputs[1].shape.numel());
  }
}

}  // namespace tessera::test
