#include "tessera/ops/linear.h"

#include "tessera/kernels/linear.h"
#include "tessera/kernels/linear_s8.h"
#include "tessera/ops/frozen.h"
#include "tessera/ops/tap.h"
#include "tessera/ops/tape.h"

namespace tessera::ops {

namespace {

Tensor quantised_linear(const Tensor& x, const Tensor& w, const Tensor& bias, const LinearOptions& o,
                        const Shape& shape) {
  TESSERA_CHECK(!recording({x, bias, o.residual}), "linear: quantised weights cannot be trained, nor trained through");
  const int64_t N = w.size(0), K = w.size(1), rows = x.numel() / K;
  TESSERA_CHECK(!o.quantise || N % o.quantise == 0, "linear: runs of {} do not divide the {} outputs", o.quantise, N);
  const Tensor y = Tensor::empty(shape, o.quantise ? DType::s8 : DType::f32);
  const Tensor scales = o.quantise ? Tensor::empty({rows * (N / o.quantise)}) : Tensor();
  kernels::linear_s8_forward(kernels::cpu_context(), {.x = x.is_quantised() ? nullptr : x.data(),
                                                      .q = x.is_quantised() ? x.data<int8_t>() : nullptr,
                                                      .q_scale = x.is_quantised() ? x.row_scales().data() : nullptr,
                                                      .w = w.data<int8_t>(),
                                                      .w_scale = w.row_scales().data(),
                                                      .bias = bias ? bias.data() : nullptr,
                                                      .residual = o.residual ? o.residual.data() : nullptr,
                                                      .y = o.quantise ? nullptr : y.data(),
                                                      .y_q = o.quantise ? y.data<int8_t>() : nullptr,
                                                      .y_scale = o.quantise ? scales.data() : nullptr,
                                                      .y_run = o.quantise,
                                                      .rows = rows,
                                                      .N = N,
                                                      .K = K,
                                                      .activation = o.activation,
                                                      .frozen = frozen_weights()});
  return o.quantise ? Tensor::quantised(y, scales) : y;
}

}  // namespace

bool takes_quantised(const Tensor& w) { return w.is_quantised() && kernels::has_s8_products() && !tapping(); }

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

  if (w.is_quantised()) return quantised_linear(x, w, bias, options, shape);

  const Activation activation = options.activation;
  Tensor pre;  // (rows, N), kept for backward
  if (activation != Activation::none && recording({x, w, bias})) pre = Tensor::empty({rows, N});
  Tensor y = Tensor::empty(shape);
  kernels::linear_forward(kernels::cpu_context(), {.x = x.data(),
                                                   .w = w.data(),
                                                   .bias = bias ? bias.data() : nullptr,
                                                   .residual = residual ? residual.data() : nullptr,
                                                   .pre = pre ? pre.data() : nullptr,
                                                   .y = y.data(),
                                                   .rows = rows,
                                                   .N = N,
                                                   .K = K,
                                                   .activation = activation,
                                                   .frozen = frozen_weights()});
  if (recording({x, w, bias, residual})) {
    // dx needs w, dw needs x: neither is kept for nothing.
    const GradientOf dx(x), dw(w), dbias(bias), dresidual(residual);
    record(y, [=, x = dw.wanted() ? x.detach() : Tensor(), w = dx.wanted() ? w.detach() : Tensor()](const Tensor& dy) {
      if (dx.wanted() || dw.wanted() || dbias.wanted()) {
        kernels::linear_backward(kernels::cpu_context(), {.dy = dy.data(),
                                                          .x = x ? x.data() : nullptr,
                                                          .w = w ? w.data() : nullptr,
                                                          .pre = pre ? pre.data() : nullptr,
                                                          .dx = dx.target(),
                                                          .dw = dw.target(),
                                                          .dbias = dbias.target(),
                                                          .rows = rows,
                                                          .N = N,
                                                          .K = K,
                                                          .activation = activation});
      }
      dresidual.add(dy);
    });
  }
  return y;
}

}  // namespace tessera::ops
