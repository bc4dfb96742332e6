#include "tessera/ops/window_attention.h"

#include <cmath>

#include "tests/harness/op_case.h"
#include "tests/ref/window_attention.h"

namespace tessera::test {

namespace {

using kernels::Extent2d;

struct Case {
  const char* name = "";
  int64_t B = 2, heads = 2, d = 5;
  int64_t H = 6, W = 6;
  Extent2d window = {3, 3}, shift = {0, 0};
  bool pad_first = false;
  bool padding = false;  // is given: otherwise zeros
  double dropout = 0;
  double deviation = 1;  // of q, k and v
  bool benchmark = false;
};

constexpr const char* kPath = "layers.0.blocks.0.attn.drop";

ops::WindowGrid grid_of(const Case& c) {
  return {.H = c.H, .W = c.W, .window = c.window, .shift = c.shift, .pad_first = c.pad_first};
}

float scale_of(const Case& c) { return 1 / std::sqrt(static_cast<float>(c.d)); }

OpCase window_attention_case(const Case& c) {
  const int64_t width = c.heads * c.d;
  std::vector<Input> inputs = {
      {.name = "qkv", .shape = {c.B, c.H * c.W, 3 * width}, .mean = 0.1, .deviation = c.deviation},
      {.name = "bias_table", .shape = {grid_of(c).offsets(), c.heads}}};
  if (c.padding) inputs.push_back({.name = "padding", .shape = {3 * width}});
  const auto run = [c](const std::vector<Tensor>& x) {
    ops::WindowAttentionOptions o;
    o.grid = grid_of(c);
    o.heads = c.heads;
    o.scale = scale_of(c);
    o.bias_table = x[1];
    if (c.padding) o.padding = x[2];
    o.dropout = static_cast<float>(c.dropout);
    o.dropout_path = kPath;
    return ops::window_attention(x[0], o);
  };
  const auto reference = [c, width](const auto& x) {
    using T = typename std::decay_t<decltype(x[0].data)>::value_type;
    const RefWindowAttention<T> attention{grid_of(c), c.heads, scale_of(c), static_cast<float>(c.dropout), kPath};
    return attention(x[0], x[1], c.padding ? x[2] : Array<T>(Shape{3 * width}));
  };
  OpCase result = op_case("window_attention", c.name, inputs, run, reference);
  result.benchmark = c.benchmark;
  return result;
}

}  // namespace

void register_window_attention_cases(OpCases& cases) {
  const Case all[] = {
      {.name = "one window of one place", .B = 1, .heads = 1, .d = 1, .H = 1, .W = 1, .window = {1, 1}},
      {.name = "one window", .B = 3, .H = 3, .W = 4, .window = {3, 4}},
      {.name = "regular", .d = 7, .H = 6, .W = 9},
      {.name = "shifted", .d = 4, .H = 8, .W = 12, .window = {4, 4}, .shift = {2, 2}},
      {.name = "shifted, odd", .B = 1, .heads = 3, .d = 6, .H = 14, .W = 7, .window = {7, 7}, .shift = {3, 3}},
      {.name = "shifted along one axis", .H = 3, .W = 8, .window = {3, 4}, .shift = {0, 2}},
      {.name = "padded", .H = 5, .W = 7, .window = {4, 3}, .padding = true},
      {.name = "padded with zeros", .H = 5, .W = 5, .window = {4, 4}},
      {.name = "rolled, then padded", .H = 10, .W = 9, .window = {4, 4}, .shift = {2, 2}, .padding = true},
      {.name = "padded, then rolled",
       .H = 10,
       .W = 9,
       .window = {4, 4},
       .shift = {2, 2},
       .pad_first = true,
       .padding = true},
      {.name = "a window larger than the map", .H = 2, .W = 3, .window = {4, 4}, .shift = {2, 2}, .padding = true},
      {.name = "wide windows", .B = 1, .heads = 1, .d = 3, .H = 4, .W = 38, .window = {2, 19}, .shift = {1, 9}},
      {.name = "several blocks of queries", .B = 1, .d = 17, .H = 9, .W = 10, .window = {9, 9}, .padding = true},
      {.name = "peaked", .d = 24, .H = 7, .W = 14, .window = {7, 7}, .deviation = 3},
      {.name = "dropout", .d = 6, .H = 8, .W = 8, .window = {4, 4}, .shift = {2, 2}, .dropout = 0.25},
      {.name = "dropout, padded, odd",
       .d = 6,
       .H = 8,
       .W = 7,
       .window = {5, 5},
       .shift = {2, 2},
       .padding = true,
       .dropout = 0.5},
      {.name = "Swin-T stage 1, B=1",
       .B = 1,
       .heads = 3,
       .d = 32,
       .H = 56,
       .W = 56,
       .window = {7, 7},
       .shift = {3, 3},
       .benchmark = true},
      {.name = "Swin-T stage 1, B=8",
       .B = 8,
       .heads = 3,
       .d = 32,
       .H = 56,
       .W = 56,
       .window = {7, 7},
       .shift = {3, 3},
       .benchmark = true},
      {.name = "Swin-T stage 3, B=1",
       .B = 1,
       .heads = 12,
       .d = 32,
       .H = 14,
       .W = 14,
       .window = {7, 7},
       .shift = {3, 3},
       .benchmark = true},
      {.name = "Swin-T stage 4, B=1",
       .B = 1,
       .heads = 24,
       .d = 32,
       .H = 7,
       .W = 7,
       .window = {7, 7},
       .benchmark = true},
      {.name = "Swin-B at 384 stage 3, B=1",
       .B = 1,
       .heads = 16,
       .d = 32,
       .H = 24,
       .W = 24,
       .window = {12, 12},
       .shift = {6, 6},
       .benchmark = true},
  };
  for (const Case& c : all) cases.push_back(window_attention_case(c));
}

}  // namespace tessera::test
