#include "tessera/ops/window_attention.h"

#include "tessera/ops/attention_dropout.h"
#include "tessera/ops/tap.h"
#include "tessera/ops/tape.h"

namespace tessera::ops {

namespace {

void check(const Tensor& qkv, const WindowAttentionOptions& o) {
  const WindowGrid& grid = o.grid;
  TESSERA_CHECK(
      grid.H > 0 && grid.W > 0 && grid.window.h > 0 && grid.window.w > 0 && grid.H * grid.W < int64_t{1} << 31,
      "window_attention: windows of {}×{} do not cover a map of {}×{}", grid.window.h, grid.window.w, grid.H, grid.W);
  TESSERA_CHECK(grid.shift.h >= 0 && grid.shift.h < grid.window.h && grid.shift.w >= 0 && grid.shift.w < grid.window.w,
                "window_attention: a shift of {}×{} is not less than the windows of {}×{}", grid.shift.h, grid.shift.w,
                grid.window.h, grid.window.w);
  TESSERA_CHECK(o.heads > 0 && qkv.rank() == 3 && qkv.numel() > 0 && qkv.size(1) == grid.H * grid.W &&
                    qkv.size(2) % (3 * o.heads) == 0,
                "window_attention: qkv must be (B, {}, 3·width), width a multiple of the {} heads, but it is {}",
                grid.H * grid.W, o.heads, to_string(qkv.shape()));
  const Shape table{grid.offsets(), o.heads};
  TESSERA_CHECK(o.bias_table && o.bias_table.shape() == table, "window_attention: bias_table must be {}, but it is {}",
                to_string(table), to_string(o.bias_table.shape()));
  TESSERA_CHECK(!o.padding || o.padding.shape() == Shape{qkv.size(2)},
                "window_attention: padding must be ({}), but it is {}", qkv.size(2), to_string(o.padding.shape()));
  TESSERA_CHECK(o.dropout >= 0 && o.dropout < 1, "window_attention: dropout must be in [0, 1), but it is {}",
                o.dropout);
}

kernels::WindowAttentionInputs inputs_of(const Tensor& qkv, const WindowAttentionOptions& o) {
  check(qkv, o);
  kernels::WindowAttentionInputs in{};
  in.qkv = qkv.data();
  in.padding = o.padding ? o.padding.data() : nullptr;
  in.bias_table = o.bias_table.data();
  in.grid = o.grid;
  in.B = qkv.size(0);
  in.h = o.heads;
  in.d = qkv.size(2) / (3 * o.heads);
  in.scale = o.scale;
  const int64_t M = o.grid.places();
  set_dropout(in, o.dropout, o.dropout_path, o.grid.windows() * in.h * M * M, "window_attention", "smaller windows");
  return in;
}

}  // namespace

Tensor window_attention(const Tensor& qkv, const WindowAttentionOptions& o) {
  const kernels::WindowAttentionInputs in = inputs_of(qkv, o);
  const int64_t windows = o.grid.windows(), M = o.grid.places();
  Tensor y = Tensor::empty({in.B, qkv.size(1), in.h * in.d});
  const bool training = recording({qkv, o.bias_table, o.padding});
  const Tensor lse = training ? Tensor::empty({in.B, windows, in.h, M}) : Tensor();
  const Tensor p = tapped(o.tap) ? Tensor::empty({in.B, windows, in.h, M, M}) : Tensor();
  kernels::window_attention_forward(
      kernels::cpu_context(),
      {.in = in, .y = y.data(), .lse = lse ? lse.data() : nullptr, .p = p ? p.data() : nullptr});
  if (p) tap(o.tap, p);
  if (training) {
    // What `in` points to lives as long as the tensors captured here.
    record(y, [=, qkv = qkv.detach(), y = y.detach(), padding = o.padding.detach(), table = o.bias_table.detach(),
               dqkv = GradientOf(qkv), dpadding = GradientOf(o.padding),
               dtable = GradientOf(o.bias_table)](const Tensor& dy) {
      kernels::window_attention_backward(kernels::cpu_context(), {.in = in,
                                                                  .dy = dy.data(),
                                                                  .y = y.data(),
                                                                  .lse = lse.data(),
                                                                  .dqkv = dqkv.target(),
                                                                  .dpadding = dpadding.target(),
                                                                  .dbias_table = dtable.target()});
    });
  }
  return y;
}

}  // namespace tessera::ops
