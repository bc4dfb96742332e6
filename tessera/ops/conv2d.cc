#include "tessera/ops/conv2d.h"

#include "tessera/kernels/conv2d.h"
#include "tessera/ops/frozen.h"
#include "tessera/ops/tape.h"

namespace tessera::ops {

namespace {

void check(const Tensor& x, const Tensor& w, const Tensor& bias, const Conv2dOptions& options) {
  TESSERA_CHECK(x.rank() == 4 && w.rank() == 4,
                "conv2d: x must be (B, H, W, C) and w (O, C/groups, kh, kw), but they "
                "are {} and {}",
                to_string(x.shape()), to_string(w.shape()));
  const int64_t groups = options.groups, C = x.size(3), O = w.size(0);
  TESSERA_CHECK(groups > 0 && C % groups == 0 && O % groups == 0, "conv2d: {} groups do not divide {} and {} channels",
                groups, C, O);
  TESSERA_CHECK(w.size(1) == C / groups, "conv2d: x {} in {} groups needs w (O, {}, kh, kw), but it is {}",
                to_string(x.shape()), groups, C / groups, to_string(w.shape()));
  TESSERA_CHECK(!bias || bias.shape() == Shape{O}, "conv2d: the bias must be ({}), but it is {}", O,
                to_string(bias.shape()));
  const auto& [stride, pad, _] = options;
  TESSERA_CHECK(stride.h > 0 && stride.w > 0 && pad.top >= 0 && pad.left >= 0 && pad.bottom >= 0 && pad.right >= 0,
                "conv2d: the stride must be at least 1 and the padding at least 0");
}

kernels::Conv2dShape shape_of(const Tensor& x, const Tensor& w, const Conv2dOptions& options) {
  const kernels::Conv2dShape shape = {
      .B = x.size(0),
      .H = x.size(1),
      .W = x.size(2),
      .C = x.size(3),
      .O = w.size(0),
      .window = {.kernel = {w.size(2), w.size(3)}, .stride = options.stride, .padding = options.padding},
      .groups = options.groups};
  const Extent2d out = shape.out();
  TESSERA_CHECK(x.numel() > 0 && w.numel() > 0 && out.h > 0 && out.w > 0, "conv2d: no {}×{} window fits into x {}",
                w.size(2), w.size(3), to_string(x.shape()));
  return shape;
}

const float* elements(const Tensor& x) { return x ? x.data() : nullptr; }

Shape result_of(const kernels::Conv2dShape& shape) { return {shape.B, shape.out().h, shape.out().w, shape.O}; }

}  // namespace

Tensor conv2d(const Tensor& x, const Tensor& w, const Tensor& bias, const Conv2dOptions& options) {
  check(x, w, bias, options);
  const kernels::Conv2dShape shape = shape_of(x, w, options);
  Tensor y = Tensor::empty(result_of(shape));
  kernels::conv2d_forward(kernels::cpu_context(), {.x = x.data(),
                                                   .w = w.data(),
                                                   .bias = elements(bias),
                                                   .y = y.data(),
                                                   .shape = shape,
                                                   .frozen = frozen_weights()});
  if (recording({x, w, bias})) {
    // dx needs w, dw needs x: neither is kept for nothing.
    const GradientOf dx(x), dw(w), dbias(bias);
    record(y, [=, x = dw.wanted() ? x.detach() : Tensor(), w = dx.wanted() ? w.detach() : Tensor()](const Tensor& dy) {
      kernels::conv2d_backward(kernels::cpu_context(), {.dy = dy.data(),
                                                        .x = elements(x),
                                                        .w = elements(w),
                                                        .dx = dx.target(),
                                                        .dw = dw.target(),
                                                        .dbias = dbias.target(),
                                                        .shape = shape});
    });
  }
  return y;
}

Tensor conv2d_for_use(const Tensor& x, const Tensor& w, const Tensor& bias, const Conv2dOptions& options,
                      Conv2dEpilogue epilogue) {
  check(x, w, bias, options);
  TESSERA_CHECK(!recording({x, w, bias, epilogue.scale, epilogue.residual}),
                "conv2d_for_use: this form has no gradient");
  TESSERA_CHECK(!recording({epilogue.after_scale, epilogue.after_shift, epilogue.after_residual}),
                "conv2d_for_use: this form has no gradient");
  const kernels::Conv2dShape shape = shape_of(x, w, options);
  const Tensor& residual = epilogue.residual;
  for (const Tensor& added : {residual, epilogue.after_residual})
    TESSERA_CHECK(!added || added.shape() == result_of(shape), "conv2d: the residual must be {}, but it is {}",
                  to_string(result_of(shape)), to_string(added.shape()));
  for (const Tensor& each : {epilogue.scale, epilogue.after_scale, epilogue.after_shift})
    TESSERA_CHECK(!each || each.shape() == Shape{shape.O}, "conv2d: a scale or shift must be ({}), but it is {}",
                  shape.O, to_string(each.shape()));
  TESSERA_CHECK(static_cast<bool>(epilogue.after_scale) == static_cast<bool>(epilogue.after_shift),
                "conv2d: after_scale and after_shift come together");
  const bool in_place = residual && residual.is_unique();
  Tensor y = in_place ? residual.detach() : Tensor::empty(result_of(shape));
  kernels::conv2d_forward(kernels::cpu_context(), {.x = x.data(),
                                                   .w = w.data(),
                                                   .bias = elements(bias),
                                                   .y = y.data(),
                                                   .shape = shape,
                                                   .scale = elements(epilogue.scale),
                                                   .residual = elements(residual),
                                                   .activation = epilogue.activation,
                                                   .after_scale = elements(epilogue.after_scale),
                                                   .after_shift = elements(epilogue.after_shift),
                                                   .after_residual = elements(epilogue.after_residual),
                                                   .frozen = frozen_weights()});
  return y;
}

}  // namespace tessera::ops
