#include "tessera/kernels/linear.h"

#include "tessera/kernels/column_sums.h"
#include "tessera/kernels/matmul.h"

namespace tessera::kernels {

void linear_forward(Context& context, const LinearForward& args) {
  Matmul product{.a = args.x,
                 .b = args.w,
                 .bias = args.bias,
                 .c = {args.pre ? args.pre : args.y},
                 .M = args.rows,
                 .N = args.N,
                 .K = args.K,
                 .transpose_b = true};
  if (!args.pre) {
    product.residual = args.residual;
    product.activation = args.activation;
  }
  matmul(context, product);
  if (!args.pre) return;
  activation_forward(
      context,
      {.x = args.pre, .residual = args.residual, .y = args.y, .n = args.rows * args.N, .activation = args.activation});
}

void linear_backward(Context& context, const LinearBackward& args) {
  const float* dpre = args.dy;  // (rows, N)
  if (args.activation != Activation::none) {
    activation_backward(
        context,
        {.dy = args.dy, .x = args.pre, .dx = {args.pre}, .n = args.rows * args.N, .activation = args.activation});
    dpre = args.pre;
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
  if (args.dbias) column_sums(context, {.x = dpre, .sums = args.dbias, .rows = args.rows, .N = args.N});
}

}  // namespace tessera::kernels
