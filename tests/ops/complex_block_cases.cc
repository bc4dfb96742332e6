#include "tessera/ops/complex_block.h"

#include "tessera/ops/conv2d.h"
#include "tessera/ops/linear.h"
#include "tests/harness/op_case.h"
#include "tests/ref/complex.h"

namespace tessera::test {

namespace {

// x (B, H, W, C) and w (O, C, k, k) of complex numbers.
struct ConvCase {
  int64_t B, H, W, C, O, k, stride = 1, pad = 0;
};

OpCase conv_case(const ConvCase& c) {
  OpCase result = op_case(
      "complex_block",
      fmt::format("conv2d {} {} {} {} -> {} kernel {} stride {} padding {}", c.B, c.H, c.W, c.C, c.O, c.k, c.stride,
                  c.pad),
      {{.name = "x", .shape = {c.B, c.H, c.W, 2 * c.C}},
       {.name = "re", .shape = {c.O, c.C, c.k, c.k}},
       {.name = "im", .shape = {c.O, c.C, c.k, c.k}}},
      [c](const auto& x) {
        return ops::conv2d(x[0], ops::complex_block(x[1], x[2]), {},
                           {.stride = {c.stride, c.stride}, .padding = {c.pad, c.pad, c.pad, c.pad}});
      },
      [c](const auto& x) { return ref_complex_conv2d(x[0], x[1], x[2], c.stride, c.pad); });
  result.flops = 8.0 * static_cast<double>(c.B * c.H * c.W * c.C * c.O * c.k * c.k / (c.stride * c.stride));
  return result;
}

OpCase linear_case(int64_t B, int64_t C, int64_t O) {
  return op_case(
      "complex_block", fmt::format("linear {} {} -> {}", B, C, O),
      {{.name = "x", .shape = {B, 2 * C}}, {.name = "re", .shape = {O, C}}, {.name = "im", .shape = {O, C}}},
      [](const auto& x) { return ops::linear(x[0], ops::complex_block(x[1], x[2]), {}); },
      [=](const auto& x) {
        auto pixels = x[0], re = x[1], im = x[2];
        pixels.shape = {B, 1, 1, 2 * C}, re.shape = im.shape = {O, C, 1, 1};
        auto y = ref_complex_conv2d(pixels, re, im, 1, 0);
        y.shape = {B, 2 * O};
        return y;
      });
}

}  // namespace

void register_complex_block_cases(OpCases& cases) {
  cases.push_back(conv_case({.B = 1, .H = 1, .W = 1, .C = 1, .O = 1, .k = 1}));
  cases.push_back(conv_case({.B = 2, .H = 5, .W = 4, .C = 3, .O = 2, .k = 3, .pad = 1}));
  cases.push_back(conv_case({.B = 2, .H = 7, .W = 6, .C = 5, .O = 7, .k = 3, .stride = 2, .pad = 1}));
  cases.push_back(conv_case({.B = 1, .H = 4, .W = 4, .C = 16, .O = 17, .k = 3}));
  cases.push_back(linear_case(3, 5, 2));
  cases.push_back(linear_case(1, 33, 17));
  cases.push_back(conv_case({.B = 64, .H = 16, .W = 16, .C = 32, .O = 32, .k = 3, .pad = 1}));
  cases.back().benchmark = true;
}

}  // namespace tessera::test
