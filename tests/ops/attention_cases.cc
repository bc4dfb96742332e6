#include "tessera/ops/attention.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "tests/harness/op_case.h"
#include "tests/ref/attention.h"

namespace tessera::test {

namespace {

struct Case {
  const char* name = "";
  int64_t B = 2, heads = 3, Nq = 7, Nk = 7, d = 5;
  bool packed = false;     // q, k and v in one tensor
  bool packed_kv = false;  // k and v
  bool mask = false;       // of keys, and the first sample sees nothing at all
  // A mask of pairs, that differs along some of its first axes: "bhq", "bq", "q", "" where all are alike. Where it
  // differs by query, query 2 sees nothing.
  const char* pairs = nullptr;
  int64_t table = 0;  // rows of a bias table
  bool bias = false;
  double dropout = 0;
  double deviation = 1;  // of q and k
  bool benchmark = false;
};

constexpr const char* kPath = "blocks.0.attn.drop";

std::vector<uint8_t> mask_of(const Case& c) {
  if (!c.mask) return {};
  std::vector<uint8_t> mask(static_cast<size_t>(c.B * c.Nk));
  for (size_t i = 0; i < mask.size(); ++i) mask[i] = i < static_cast<size_t>(c.Nk) ? 0 : i % 3 != 1;
  return mask;
}

// (B or 1, heads or 1, Nq or 1, Nk)
Shape shape_of_pairs(const Case& c) {
  const auto along = [&](char axis, int64_t extent) { return std::strchr(c.pairs, axis) ? extent : 1; };
  return {along('b', c.B), along('h', c.heads), along('q', c.Nq), c.Nk};
}

bool may_see(const Case& c, int64_t b, int64_t head, int64_t i, int64_t j) {
  const Shape shape = shape_of_pairs(c);
  b = std::min(b, shape[0] - 1), head = std::min(head, shape[1] - 1), i = std::min(i, shape[2] - 1);
  return i != 2 && (3 * b + 5 * head + 2 * i + j) % 7 < 4;
}

Tensor pairs_tensor(const Case& c) {
  const Tensor mask = Tensor::empty(shape_of_pairs(c), DType::u8);
  const Shape& shape = mask.shape();
  for (int64_t t = 0; t < mask.numel(); ++t) {
    const int64_t row = t / c.Nk, sample_and_head = row / shape[2];
    mask.data<uint8_t>()[t] =
        may_see(c, sample_and_head / shape[1], sample_and_head % shape[1], row % shape[2], t % c.Nk);
  }
  return mask;
}

std::vector<uint8_t> all_pairs(const Case& c) {
  std::vector<uint8_t> pairs;
  for (int64_t b = 0; c.pairs && b < c.B; ++b)
    for (int64_t head = 0; head < c.heads; ++head)
      for (int64_t i = 0; i < c.Nq; ++i)
        for (int64_t j = 0; j < c.Nk; ++j) pairs.push_back(may_see(c, b, head, i, j));
  return pairs;
}

// Which row of the table a pair looks at: most rows many times.
int32_t index_of(const Case& c, int64_t i, int64_t j) { return static_cast<int32_t>((i - j + c.Nk) % c.table); }

template <class T>
Array<T> columns(const Array<T>& x, int64_t first, int64_t count) {
  Array<T> part(Shape{x.size(0), x.size(1), count});
  for (int64_t r = 0; r < x.size(0) * x.size(1); ++r)
    for (int64_t c = 0; c < count; ++c) part[r * count + c] = x[r * x.size(2) + first + c];
  return part;
}

std::vector<Input> inputs_of(const Case& c) {
  const int64_t width = c.heads * c.d;
  std::vector<Input> inputs;
  if (c.packed) {
    inputs.push_back({.name = "qkv", .shape = {c.B, c.Nq, 3 * width}, .deviation = c.deviation});
  } else {
    inputs.push_back({.name = "q", .shape = {c.B, c.Nq, width}, .deviation = c.deviation});
    if (c.packed_kv) {
      inputs.push_back({.name = "kv", .shape = {c.B, c.Nk, 2 * width}});
    } else {
      inputs.push_back({.name = "k", .shape = {c.B, c.Nk, width}, .deviation = c.deviation});
      inputs.push_back({.name = "v", .shape = {c.B, c.Nk, width}, .mean = 0.3});
    }
  }
  if (c.bias) inputs.push_back({.name = "bias", .shape = {c.heads, c.Nq, c.Nk}});
  if (c.table) inputs.push_back({.name = "bias_table", .shape = {c.table, c.heads}});
  return inputs;
}

float scale_of(const Case& c) { return 1 / std::sqrt(static_cast<float>(c.d)); }

Tensor run(const Case& c, const std::vector<Tensor>& x) {
  ops::AttentionOptions o;
  o.heads = c.heads;
  o.scale = scale_of(c);
  o.dropout = static_cast<float>(c.dropout);
  o.dropout_path = kPath;
  if (c.mask) {
    o.key_mask = Tensor::empty({c.B, c.Nk}, DType::u8);
    const std::vector<uint8_t> mask = mask_of(c);
    std::copy(mask.begin(), mask.end(), o.key_mask.data<uint8_t>());
  }
  if (c.pairs) o.mask = pairs_tensor(c);
  if (c.bias) o.bias = x.back();
  if (c.table) {
    o.bias_table = x.back();
    o.bias_index = Tensor::empty({c.Nq, c.Nk}, DType::s32);
    for (int64_t t = 0; t < c.Nq * c.Nk; ++t) o.bias_index.data<int32_t>()[t] = index_of(c, t / c.Nk, t % c.Nk);
  }
  if (c.packed) return ops::attention(x[0], o);
  return c.packed_kv ? ops::attention(x[0], x[1], o) : ops::attention(x[0], x[1], x[2], o);
}

template <class T>
Array<T> reference(const Case& c, const std::vector<Array<T>>& x) {
  RefAttention<T> attention{c.heads, scale_of(c), mask_of(c), {}, static_cast<float>(c.dropout), kPath, all_pairs(c)};
  if (c.bias) attention.bias = x.back();
  if (c.table) {
    attention.bias = Array<T>(Shape{c.heads, c.Nq, c.Nk});
    for (int64_t head = 0; head < c.heads; ++head)
      for (int64_t i = 0; i < c.Nq; ++i)
        for (int64_t j = 0; j < c.Nk; ++j) attention.bias(head, i, j) = x.back()(index_of(c, i, j), head);
  }
  const int64_t width = c.heads * c.d;
  if (c.packed) return attention(columns(x[0], 0, width), columns(x[0], width, width), columns(x[0], 2 * width, width));
  if (c.packed_kv) return attention(x[0], columns(x[1], 0, width), columns(x[1], width, width));
  return attention(x[0], x[1], x[2]);
}

OpCase attention_case(const Case& c) {
  OpCase result = op_case(
      "attention", c.name, inputs_of(c), [c](const std::vector<Tensor>& x) { return run(c, x); },
      [c](const auto& x) { return reference(c, x); });
  result.benchmark = c.benchmark;
  return result;
}

}  // namespace

void register_attention_cases(OpCases& cases) {
  const Case all[] = {
      {.name = "one token", .B = 1, .heads = 1, .Nq = 1, .Nk = 1, .d = 1},
      {.name = "separate, odd", .Nq = 7, .Nk = 12, .d = 5},
      {.name = "packed, odd", .Nq = 19, .Nk = 19, .d = 7, .packed = true},
      {.name = "packed, whole vectors", .heads = 2, .Nq = 32, .Nk = 32, .d = 16, .packed = true},
      {.name = "packed, two panels", .B = 1, .heads = 2, .Nq = 35, .Nk = 35, .d = 80, .packed = true},
      {.name = "peaked", .Nq = 33, .Nk = 33, .d = 24, .packed = true, .deviation = 3},
      {.name = "one query", .B = 3, .heads = 2, .Nq = 1, .Nk = 65, .d = 17},
      {.name = "one query, k and v packed", .B = 3, .heads = 2, .Nq = 1, .Nk = 21, .d = 6, .packed_kv = true},
      {.name = "k and v packed, bias", .heads = 2, .Nq = 5, .Nk = 18, .d = 6, .packed_kv = true, .bias = true},
      {.name = "two keys", .B = 3, .heads = 2, .Nq = 21, .Nk = 2, .d = 17},
      {.name = "mask, nothing to see", .B = 3, .Nq = 9, .Nk = 14, .d = 6, .mask = true},
      {.name = "pairs", .B = 3, .heads = 2, .Nq = 9, .Nk = 18, .d = 6, .pairs = "bhq"},
      {.name = "pairs, all samples alike",
       .B = 2,
       .heads = 3,
       .Nq = 19,
       .Nk = 19,
       .d = 7,
       .packed = true,
       .pairs = "q"},
      {.name = "pairs by sample, mask", .B = 3, .heads = 2, .Nq = 5, .Nk = 21, .d = 6, .mask = true, .pairs = "b"},
      {.name = "pairs, all alike", .B = 2, .heads = 2, .Nq = 4, .Nk = 5, .d = 3, .pairs = ""},
      {.name = "pairs by head, bias, dropout",
       .B = 2,
       .heads = 2,
       .Nq = 17,
       .Nk = 33,
       .d = 6,
       .pairs = "hq",
       .bias = true,
       .dropout = 0.25},
      {.name = "bias", .B = 3, .heads = 2, .Nq = 9, .Nk = 18, .d = 6, .bias = true},
      {.name = "bias, one head", .B = 5, .heads = 1, .Nq = 17, .Nk = 17, .d = 6, .packed = true, .bias = true},
      {.name = "bias table", .B = 3, .heads = 2, .Nq = 18, .Nk = 13, .d = 6, .table = 11},
      {.name = "dropout", .B = 2, .heads = 2, .Nq = 17, .Nk = 21, .d = 6, .dropout = 0.25},
      {.name = "dropout, mask, bias",
       .B = 2,
       .Nq = 17,
       .Nk = 17,
       .d = 6,
       .packed = true,
       .mask = true,
       .bias = true,
       .dropout = 0.5},
      // Several blocks of queries and of keys.
      {.name = "long", .B = 1, .heads = 1, .Nq = 75, .Nk = 1031, .d = 3},
      {.name = "long, all options",
       .B = 2,
       .heads = 1,
       .Nq = 150,
       .Nk = 517,
       .d = 4,
       .mask = true,
       .pairs = "bq",
       .table = 100,
       .dropout = 0.1},
      {.name = "ViT-B/16, B=8", .B = 8, .heads = 12, .Nq = 197, .Nk = 197, .d = 64, .packed = true, .benchmark = true},
      {.name = "sentences of 32 words, mask, B=64",
       .B = 64,
       .heads = 4,
       .Nq = 32,
       .Nk = 32,
       .d = 32,
       .packed = true,
       .mask = true,
       .benchmark = true},
      {.name = "ViT-B/16, B=1", .B = 1, .heads = 12, .Nq = 197, .Nk = 197, .d = 64, .packed = true, .benchmark = true},
      {.name = "ViT-S/16 at 384, B=1",
       .B = 1,
       .heads = 6,
       .Nq = 577,
       .Nk = 577,
       .d = 64,
       .packed = true,
       .benchmark = true},
      {.name = "CIFAR d=64, B=128",
       .B = 128,
       .heads = 4,
       .Nq = 65,
       .Nk = 65,
       .d = 64,
       .packed = true,
       .benchmark = true},
      {.name = "CIFAR d=48, B=128",
       .B = 128,
       .heads = 4,
       .Nq = 65,
       .Nk = 65,
       .d = 48,
       .packed = true,
       .benchmark = true},
      {.name = "CIFAR d=32 dropout, B=128",
       .B = 128,
       .heads = 4,
       .Nq = 65,
       .Nk = 65,
       .d = 32,
       .packed = true,
       .dropout = 0.1,
       .benchmark = true},
      {.name = "CIFAR d=64 bias table, B=128",
       .B = 128,
       .heads = 4,
       .Nq = 65,
       .Nk = 65,
       .d = 64,
       .packed = true,
       .table = 229,
       .benchmark = true},
  };
  for (const Case& c : all) cases.push_back(attention_case(c));
}

}  // namespace tessera::test
