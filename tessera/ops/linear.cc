#include "tessera/ops/linear.h"

#include "tessera/kernels/linear.h"
#include "tessera/kernels/linear_s8.h"
#include "tessera/kernels/narrow.h"
#include "tessera/ops/frozen.h"
#include "tessera/ops/precision.h"
#include "tessera/ops/tape.h"

namespace tessera::ops {

namespace {

Tensor quantised_linear(const Tensor& x, const Tensor& w, const Tensor& bias, const LinearOptions& o,
                        const Shape& shape) {
  TESSERA_CHECK(!recording({x, bias, o.residual}), "linear: quantised weights cannot be trained, nor trained through");
  const int64_t N = w.size(0), K = w.size(1), rows = x.numel() / K, run = o.run ? o.run : N;
  TESSERA_CHECK(N % run == 0, "linear: runs of {} do not divide the {} outputs", run, N);
  const bool whole = o.dtype == DType::s8;
  const Tensor y = Tensor::empty(shape, whole ? DType::s8 : DType::f32);
  const Tensor scales = whole ? Tensor::empty({rows * (N / run)}) : Tensor();
  kernels::linear_s8_forward(kernels::cpu_context(), {.x = x.is_quantised() ? nullptr : x.data(),
                                                      .q = x.is_quantised() ? x.data<int8_t>() : nullptr,
                                                      .q_scale = x.is_quantised() ? x.row_scales().data() : nullptr,
                                                      .w = w.data<int8_t>(),
                                                      .w_scale = w.row_scales().data(),
                                                      .bias = bias ? bias.data() : nullptr,
                                                      .scale = o.scale ? o.scale.data() : nullptr,
                                                      .residual = o.residual ? o.residual.data() : nullptr,
                                                      .y = whole ? nullptr : y.data(),
                                                      .y_q = whole ? y.data<int8_t>() : nullptr,
                                                      .y_scale = whole ? scales.data() : nullptr,
                                                      .y_run = run,
                                                      .rows = rows,
                                                      .N = N,
                                                      .K = K,
                                                      .activation = o.activation,
                                                      .frozen = frozen_weights()});
  return whole ? Tensor::quantised(y, scales) : y;
}

// The elements in bf16, without a gradient.
Tensor narrowed(const Tensor& x) {
  if (x.dtype() == DType::bf16) return x.detach();
  const Tensor y = Tensor::empty(x.shape(), DType::bf16);
  kernels::narrow(kernels::cpu_context(), {.x = x.data(), .y = y.data<bf16>(), .n = x.numel()});
  return y;
}

}  // namespace

Tensor linear(const Tensor& x, const Tensor& w, const Tensor& bias, const LinearOptions& options) {
  TESSERA_CHECK(w.rank() == 2 && x.rank() > 0 && x.size(-1) == w.size(1) && x.numel() > 0 && w.numel() > 0,
                "linear: weights (N, K) take x (…, K), none of them empty, but w is {} and x {}", to_string(w.shape()),
                to_string(x.shape()));
  const int64_t N = w.size(0), K = w.size(1), rows = x.numel() / K;
  TESSERA_CHECK(!bias || bias.shape() == Shape{N}, "linear: the bias must be ({}), but it is {}", N,
                to_string(bias.shape()));
  Shape shape = x.shape();  // (…, K) -> (…, N)
  shape[-1] = N;
  const Tensor& residual = options.residual;
  TESSERA_CHECK(!residual || residual.shape() == shape, "linear: the residual must be {}, but it is {}",
                to_string(shape), to_string(residual.shape()));

  const Tensor& scale = options.scale;
  TESSERA_CHECK(!scale || (scale.shape() == Shape{N} && !recording({x, w, bias, scale, residual})),
                "linear: a scale must be ({}) and is for inference, but it is {}", N, to_string(scale.shape()));

  if (w.is_quantised()) return quantised_linear(x, w, bias, options, shape);

  const Activation activation = options.activation;
  const bool narrow = current_precision() == Precision::bf16;
  const Tensor operand = narrow ? narrowed(x) : x.detach();  // (…, K)
  Tensor pre;                                                // (rows, N), kept for backward
  if (activation != Activation::none && recording({x, w, bias}))
    pre = Tensor::empty({rows, N}, narrow ? DType::bf16 : DType::f32);
  Tensor y = Tensor::empty(shape, options.dtype);
  kernels::linear_forward(kernels::cpu_context(), {.x = elements_of(operand),
                                                   .w = w.data(),
                                                   .bias = bias ? bias.data() : nullptr,
                                                   .scale = scale ? scale.data() : nullptr,
                                                   .residual = residual ? residual.data() : nullptr,
                                                   .pre = elements_of(pre),
                                                   .y = elements_of(y),
                                                   .rows = rows,
                                                   .N = N,
                                                   .K = K,
                                                   .activation = activation,
                                                   .frozen = frozen_weights()});
  if (recording({x, w, bias, residual})) {
    // dx needs w, dw needs x: neither is kept for nothing.
    const GradientOf dx(x), dw(w), dbias(bias), dresidual(residual);
    record(y, [=, x = dw.wanted() ? operand : Tensor(), w = dx.wanted() ? w.detach() : Tensor()](const Tensor& dy) {
      if (dx.wanted() || dw.wanted() || dbias.wanted()) {
        kernels::linear_backward(kernels::cpu_context(), {.dy = dy.data(),
                                                          .x = elements_of(x),
                                                          .w = w ? w.data() : nullptr,
                                                          .pre = elements_of(pre),
                                                          .dx = dx.target(),
                                                          .dw = dw.target(),
                                                          .dbias = dbias.target(),
                                                          .rows = rows,
                                                          .N = N,
                                                          .K = K,
                                                          .activation = activation,
                                                          .bf16 = narrow});
      }
      dresidual.add(dy);
    });
  }
  return y;
}

}  // namespace tessera::ops
