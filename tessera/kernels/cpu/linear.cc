#include "tessera/kernels/linear.h"

#include "tessera/kernels/column_sums.h"
#include "tessera/kernels/cpu/floats.h"
#include "tessera/kernels/matmul.h"
#include "tessera/kernels/narrow.h"

namespace tessera::kernels {

// The activation and the residual are a pass of their own. oneDNN would fuse them into the product, but that is slower
// ((8320, 192)·(192, 192) with GELU and residual took 2.37 ms on two threads of a Zen 5, the pass included 1.73), less
// exact, and not what training computes.
void linear_forward(Context& context, const LinearForward& args) {
  const Elements pre = args.pre ? args.pre : args.y;
  const bool narrow = pre.dtype == DType::bf16;
  matmul(context, {.a = args.x,
                   .b = args.w,
                   .bias = args.bias,
                   .c = {narrow ? nullptr : static_cast<float*>(pre.data)},
                   .narrow_c = narrow ? static_cast<bf16*>(pre.data) : nullptr,
                   .M = args.rows,
                   .N = args.N,
                   .K = args.K,
                   .transpose_b = true,
                   .frozen = args.frozen});
  if (pre.data == args.y.data && !args.scale && !args.residual && args.activation == Activation::none) return;
  activation_forward(context, {.x = pre,
                               .scale = args.scale,
                               .residual = args.residual,
                               .y = args.y,
                               .n = args.rows * args.N,
                               .N = args.N,
                               .activation = args.activation});
}

void linear_backward(Context& context, const LinearBackward& args) {
  ConstElements dpre = args.dy;  // (rows, N)
  const int64_t n = args.rows * args.N;
  if (args.activation != Activation::none) {
    activation_backward(context, {.dy = args.dy, .x = args.pre, .dx = args.pre, .n = n, .activation = args.activation});
    dpre = args.pre;
  }
  if (args.dbias) column_sums(context, {.x = dpre, .sums = args.dbias, .rows = args.rows, .N = args.N});
  const bool round = args.bf16 && dpre.dtype == DType::f32 && (args.dx || args.dw);
  const Scratch<bf16> rounded(round ? n : 0);
  if (round) {
    narrow(context, {.x = args.dy, .y = rounded.data(), .n = n});
    dpre = static_cast<const bf16*>(rounded.data());
  }
  if (args.dx) {
    // dx (rows, K) = dpre (rows, N) · w (N, K)
    matmul(context, {.a = dpre, .b = args.w, .c = args.dx, .M = args.rows, .N = args.K, .K = args.N});
  }
  if (args.dw) {
    // dw (N, K) = dpreᵀ (N, rows) · x (rows, K)
    matmul(context,
           {.a = dpre, .b = args.x, .c = args.dw, .M = args.N, .N = args.K, .K = args.rows, .transpose_a = true});
  }
}

}  // namespace tessera::kernels
