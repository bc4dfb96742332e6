#include "tessera/ops/attention.h"

#include <algorithm>

#include "tessera/kernels/attention.h"
#include "tessera/ops/attention_dropout.h"
#include "tessera/ops/tap.h"
#include "tessera/ops/tape.h"

namespace tessera::ops {

namespace {

// The columns [offset, offset + heads·d) of x (B, N, C).
struct Part {
  Tensor x;
  int64_t offset = 0;

  kernels::Tokens tokens(int64_t d) const {
    const int64_t row = x.size(2), batch = x.size(1) * x.size(2);
    if (!x.is_quantised()) return {x.data() + offset, row, batch};
    TESSERA_CHECK(x.row_scales().numel() * d == x.numel(), "attention: tokens must be quantised in runs of {}", d);
    return {nullptr, row, batch, x.data<int8_t>() + offset, x.row_scales().data() + offset / d};
  }
  kernels::TokensGrad gradient(kernels::Grad whole) const {
    if (whole) whole.data += offset;
    return {whole, x.size(2), x.size(1) * x.size(2)};
  }
  Part detach() const { return {x.detach(), offset}; }
};

void check_mask(const kernels::AttentionInputs& in, const Tensor& mask) {
  const auto fits = [&](int axis, int64_t extent) { return mask.size(axis) == extent || mask.size(axis) == 1; };
  TESSERA_CHECK(mask.dtype() == DType::u8 && mask.rank() == 4 && fits(0, in.B) && fits(1, in.h) && fits(2, in.Nq) &&
                    mask.size(3) == in.Nk,
                "attention: mask must be u8 {}, each but the last of which may be 1, but it is {} {}",
                to_string({in.B, in.h, in.Nq, in.Nk}), name_of(mask.dtype()), to_string(mask.shape()));
}

void check(const kernels::AttentionInputs& in, const AttentionOptions& o) {
  TESSERA_CHECK(in.B > 0 && in.Nq > 0 && in.Nk > 0 && in.d > 0,
                "attention: there is nothing to attend to: {} samples, {} queries, {} keys, {} columns per head", in.B,
                in.Nq, in.Nk, in.d);
  const Shape pairs{in.Nq, in.Nk};
  if (o.key_mask) {
    TESSERA_CHECK(o.key_mask.shape() == Shape({in.B, in.Nk}) && o.key_mask.dtype() == DType::u8,
                  "attention: key_mask must be u8 {}, but it is {} {}", to_string({in.B, in.Nk}),
                  name_of(o.key_mask.dtype()), to_string(o.key_mask.shape()));
  }
  if (o.mask) check_mask(in, o.mask);
  if (o.bias) {
    TESSERA_CHECK(o.bias.shape() == Shape({in.h, in.Nq, in.Nk}), "attention: bias must be {}, but it is {}",
                  to_string({in.h, in.Nq, in.Nk}), to_string(o.bias.shape()));
    TESSERA_CHECK(!o.bias_table, "attention: give bias or bias_table, not both");
  }
  TESSERA_CHECK(o.bias_table.defined() == o.bias_index.defined(), "attention: bias_table and bias_index go together");
  if (o.bias_table) {
    TESSERA_CHECK(o.bias_table.rank() == 2 && o.bias_table.size(1) == in.h && o.bias_index.shape() == pairs,
                  "attention: bias_table must be (T, {}) and bias_index {}, but they are {} and {}", in.h,
                  to_string(pairs), to_string(o.bias_table.shape()), to_string(o.bias_index.shape()));
    const auto index = o.bias_index.span<int32_t>();
    const auto [least, most] = std::minmax_element(index.begin(), index.end());
    TESSERA_CHECK(*least >= 0 && *most < o.bias_table.size(0),
                  "attention: bias_index has {}, but bias_table has {} rows", *least < 0 ? *least : *most,
                  o.bias_table.size(0));
  }
  TESSERA_CHECK(o.dropout >= 0 && o.dropout < 1, "attention: dropout must be in [0, 1), but it is {}", o.dropout);
}

kernels::AttentionInputs inputs_of(const Part& q, const Part& k, const Part& v, int64_t width,
                                   const AttentionOptions& o) {
  TESSERA_CHECK(o.heads > 0 && width % o.heads == 0, "attention: the width {} must be a multiple of the {} heads",
                width, o.heads);
  kernels::AttentionInputs in{};
  in.B = q.x.size(0);
  in.h = o.heads;
  in.Nq = q.x.size(1);
  in.Nk = k.x.size(1);
  in.d = width / o.heads;
  in.q = q.tokens(in.d);
  in.k = k.tokens(in.d);
  in.v = v.tokens(in.d);
  in.scale = o.scale;
  check(in, o);
  if (o.key_mask) in.key_mask = o.key_mask.data<uint8_t>();
  if (o.mask) {
    const auto step = [&](int axis, int64_t elements) { return o.mask.size(axis) == 1 ? 0 : elements; };
    in.mask = {.seen = o.mask.data<uint8_t>(),
               .batch = step(0, o.mask.size(1) * o.mask.size(2) * in.Nk),
               .head = step(1, o.mask.size(2) * in.Nk),
               .query = step(2, in.Nk)};
  }
  if (o.bias) in.bias = o.bias.data();
  if (o.bias_table) {
    in.bias_table = o.bias_table.data();
    in.bias_index = o.bias_index.data<int32_t>();
    in.T = o.bias_table.size(0);
  }
  set_dropout(in, o.dropout, o.dropout_path, in.h * in.Nq * in.Nk, "attention", "smaller pictures or larger patches");
  return in;
}

// Which of the three are parts of one tensor, as opposed to a tensor that was given several times.
enum class Packed { none, kv, qkv };

Tensor attend(const Part& q, const Part& k, const Part& v, Packed packed, int64_t width, const AttentionOptions& o) {
  const kernels::AttentionInputs in = inputs_of(q, k, v, width, o);
  Tensor y = Tensor::empty({in.B, in.Nq, width});
  const bool training = recording({q.x, k.x, v.x, o.bias, o.bias_table});
  const Tensor lse = training ? Tensor::empty({in.B, in.h, in.Nq}) : Tensor();
  const Tensor p = tapped(o.tap) ? Tensor::empty({in.B, in.h, in.Nq, in.Nk}) : Tensor();
  kernels::attention_forward(kernels::cpu_context(),
                             {.in = in, .y = y.data(), .lse = lse ? lse.data() : nullptr, .p = p ? p.data() : nullptr});
  if (p) tap(o.tap, p);
  if (training) {
    // What `in` points to lives as long as the tensors captured here.
    record(y, [=, q = q.detach(), k = k.detach(), v = v.detach(), y = y.detach(), gq = GradientOf(q.x),
               gk = GradientOf(k.x), gv = GradientOf(v.x), gbias = GradientOf(o.bias),
               gtable = GradientOf(o.bias_table), masks = std::pair(o.key_mask, o.mask), bias = o.bias.detach(),
               table = o.bias_table.detach(), index = o.bias_index](const Tensor& dy) {
      // In the order in which the kernel fills them, in case q, k and v are one tensor that was given three times.
      const kernels::Grad dk = gk.target();
      const kernels::Grad dv = packed != Packed::none ? dk : gv.target();
      const kernels::Grad dq = packed == Packed::qkv ? dk : gq.target();
      kernels::attention_backward(kernels::cpu_context(), {.in = in,
                                                           .dy = dy.data(),
                                                           .y = y.data(),
                                                           .lse = lse.data(),
                                                           .dk = k.gradient(dk),
                                                           .dv = v.gradient(dv),
                                                           .dq = q.gradient(dq),
                                                           .dbias = gbias.target(),
                                                           .dbias_table = gtable.target()});
    });
  }
  return y;
}

}  // namespace

Tensor attention(const Tensor& qkv, const AttentionOptions& options) {
  TESSERA_CHECK(qkv.rank() == 3 && qkv.size(2) % 3 == 0, "attention: qkv must be (B, N, 3·width), but it is {}",
                to_string(qkv.shape()));
  const int64_t width = qkv.size(2) / 3;
  return attend({qkv, 0}, {qkv, width}, {qkv, 2 * width}, Packed::qkv, width, options);
}

Tensor attention(const Tensor& q, const Tensor& kv, const AttentionOptions& options) {
  TESSERA_CHECK(q.rank() == 3 && kv.rank() == 3 && q.size(0) == kv.size(0) && 2 * q.size(2) == kv.size(2),
                "attention: q must be (B, Nq, width) and kv (B, Nk, 2·width), but they are {} and {}",
                to_string(q.shape()), to_string(kv.shape()));
  const int64_t width = q.size(2);
  return attend({q}, {kv, 0}, {kv, width}, Packed::kv, width, options);
}

Tensor attention(const Tensor& q, const Tensor& k, const Tensor& v, const AttentionOptions& options) {
  TESSERA_CHECK(
      q.rank() == 3 && k.rank() == 3 && k.shape() == v.shape() && q.size(0) == k.size(0) && q.size(2) == k.size(2),
      "attention: q must be (B, Nq, width), k and v (B, Nk, width), but they are {}, {} and {}", to_string(q.shape()),
      to_string(k.shape()), to_string(v.shape()));
  return attend({q}, {k}, {v}, Packed::none, q.size(2), options);
}

}  // namespace tessera::ops
