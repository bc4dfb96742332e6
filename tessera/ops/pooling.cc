#include "tessera/ops/pooling.h"

#include "tessera/kernels/pooling.h"
#include "tessera/ops/tape.h"

namespace tessera::ops {

namespace {

// How many windows there are along one axis.
int64_t windows_along(int64_t extent, int64_t kernel, int64_t stride, int64_t before, int64_t after, bool ceil_mode) {
  const int64_t room = extent + before + after - kernel;
  if (room < 0) return 0;
  if (!ceil_mode) return room / stride + 1;
  const int64_t windows = (room + stride - 1) / stride + 1;
  return (windows - 1) * stride >= extent + before ? windows - 1 : windows;
}

kernels::Pool2dShape shape_of(const char* op, const Tensor& x, const PoolOptions& options) {
  const Extent2d kernel = options.kernel, stride = options.stride;
  const Padding2d pad = options.padding;
  TESSERA_CHECK(x.rank() == 4 && x.numel() > 0, "{}: x must be (B, H, W, C) and not empty, but it is {}", op,
                to_string(x.shape()));
  TESSERA_CHECK(kernel.h > 0 && kernel.w > 0 && stride.h > 0 && stride.w > 0,
                "{}: kernel and stride must be at least 1", op);
  const auto fits = [](int64_t pad, int64_t kernel) { return pad >= 0 && pad < kernel; };
  TESSERA_CHECK(
      fits(pad.top, kernel.h) && fits(pad.bottom, kernel.h) && fits(pad.left, kernel.w) && fits(pad.right, kernel.w),
      "{}: the padding must be less than the kernel, {}×{}", op, kernel.h, kernel.w);
  const Extent2d out = pooled_size({x.size(1), x.size(2)}, options);
  TESSERA_CHECK(out.h > 0 && out.w > 0, "{}: no {}×{} window fits into x {}", op, kernel.h, kernel.w,
                to_string(x.shape()));
  return {.B = x.size(0),
          .H = x.size(1),
          .W = x.size(2),
          .C = x.size(3),
          .window = {.kernel = kernel, .stride = stride, .padding = pad},
          .out = out};
}

// forward: the kernel of the windows' winners, Forward its arguments.
template <class Forward>
Tensor pool_winners(const Tensor& x, const kernels::Pool2dShape& shape,
                    void (*forward)(kernels::Context&, const Forward&)) {
  Tensor y = Tensor::empty({shape.B, shape.out.h, shape.out.w, shape.C});
  Tensor winner;  // like y, kept for backward
  const bool training = recording({x});
  if (training) winner = Tensor::empty(y.shape(), DType::s32);
  forward(kernels::cpu_context(),
          {.x = x.data(), .y = y.data(), .winner = training ? winner.data<int32_t>() : nullptr, .shape = shape});
  if (training) {
    record(y, [=, dx = GradientOf(x)](const Tensor& dy) {
      kernels::max_pool2d_backward(
          kernels::cpu_context(),
          {.dy = dy.data(), .winner = winner.data<int32_t>(), .dx = dx.target(), .shape = shape});
    });
  }
  return y;
}

}  // namespace

Extent2d pooled_size(Extent2d size, const PoolOptions& options) {
  const auto& [kernel, stride, pad, ceil_mode, _] = options;
  return {windows_along(size.h, kernel.h, stride.h, pad.top, pad.bottom, ceil_mode),
          windows_along(size.w, kernel.w, stride.w, pad.left, pad.right, ceil_mode)};
}

Tensor max_pool2d(const Tensor& x, const PoolOptions& options) {
  return pool_winners(x, shape_of("max_pool2d", x, options), kernels::max_pool2d_forward);
}

Tensor magnitude_pool2d(const Tensor& x, const PoolOptions& options) {
  const kernels::Pool2dShape shape = shape_of("magnitude_pool2d", x, options);
  TESSERA_CHECK(shape.C % 2 == 0, "magnitude_pool2d: x must be (B, H, W, 2·C), but it is {}", to_string(x.shape()));
  return pool_winners(x, shape, kernels::magnitude_pool2d_forward);
}

Tensor avg_pool2d(const Tensor& x, const PoolOptions& options) {
  const kernels::Pool2dShape shape = shape_of("avg_pool2d", x, options);
  Tensor y = Tensor::empty({shape.B, shape.out.h, shape.out.w, shape.C});
  const bool count_padding = options.count_include_pad;
  kernels::avg_pool2d_forward(kernels::cpu_context(),
                              {.x = x.data(), .y = y.data(), .shape = shape, .count_padding = count_padding});
  if (recording({x})) {
    record(y, [=, dx = GradientOf(x)](const Tensor& dy) {
      kernels::avg_pool2d_backward(
          kernels::cpu_context(), {.dy = dy.data(), .dx = dx.target(), .shape = shape, .count_padding = count_padding});
    });
  }
  return y;
}

Tensor adaptive_avg_pool2d(const Tensor& x, Extent2d out) {
  TESSERA_CHECK(
      x.rank() == 4 && x.numel() > 0 && out.h > 0 && out.w > 0,
      "adaptive_avg_pool2d: x must be (B, H, W, C) and not empty, and its parts at least 1×1, but they are {} "
      "and {}×{}",
      to_string(x.shape()), out.h, out.w);
  const kernels::AdaptivePool2dShape shape = {
      .B = x.size(0), .H = x.size(1), .W = x.size(2), .C = x.size(3), .out = out};
  if (out.h == shape.H && out.w == shape.W) return x;
  Tensor y = Tensor::empty({shape.B, out.h, out.w, shape.C});
  kernels::adaptive_avg_pool2d_forward(kernels::cpu_context(), {.x = x.data(), .y = y.data(), .shape = shape});
  if (recording({x})) {
    record(y, [=, dx = GradientOf(x)](const Tensor& dy) {
      kernels::adaptive_avg_pool2d_backward(kernels::cpu_context(),
                                            {.dy = dy.data(), .dx = dx.target(), .shape = shape});
    });
  }
  return y;
}

Tensor global_avg_pool2d(const Tensor& x) {
  TESSERA_CHECK(x.rank() == 4 && x.numel() > 0, "global_avg_pool2d: x must be (B, H, W, C) and not empty, but it is {}",
                to_string(x.shape()));
  return mean_tokens(x.reshape({x.size(0), x.size(1) * x.size(2), x.size(3)}));
}

namespace {

Tensor mean_of_counted(const Tensor& x, int64_t first, const Tensor& mask) {
  const int64_t B = x.size(0), N = x.size(1), D = x.size(2);
  const uint8_t* counted = mask ? mask.data<uint8_t>() : nullptr;
  Tensor y = Tensor::empty({B, D});  // (B, N, D) -> (B, D)
  kernels::mean_tokens_forward(kernels::cpu_context(),
                               {.x = x.data(), .y = y.data(), .B = B, .N = N, .D = D, .first = first, .mask = counted});
  if (recording({x})) {
    record(y, [=, dx = GradientOf(x), mask = mask](const Tensor& dy) {  // which `counted` points into
      kernels::mean_tokens_backward(
          kernels::cpu_context(),
          {.dy = dy.data(), .dx = dx.target(), .B = B, .N = N, .D = D, .first = first, .mask = counted});
    });
  }
  return y;
}

}  // namespace

Tensor mean_tokens(const Tensor& x, int64_t first) {
  TESSERA_CHECK(x.rank() == 3 && x.numel() > 0 && first >= 0 && first < x.size(1),
                "mean_tokens: x must be (B, N, D), not empty, with first < N, but x is {} and first {}",
                to_string(x.shape()), first);
  return mean_of_counted(x, first, {});
}

Tensor mean_tokens(const Tensor& x, const Tensor& mask) {
  TESSERA_CHECK(x.rank() == 3 && x.numel() > 0 && mask.dtype() == DType::u8 && mask.rank() == 2 &&
                    mask.size(0) == x.size(0) && mask.size(1) == x.size(1),
                "mean_tokens: x must be (B, N, D), not empty, and mask u8 (B, N), but they are {} and {} {}",
                to_string(x.shape()), name_of(mask.dtype()), to_string(mask.shape()));
  return mean_of_counted(x, 0, mask);
}

}  // namespace tessera::ops
