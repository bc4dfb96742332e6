#include "tessera/ops/tokens.h"

#include <algorithm>

#include "tessera/kernels/column_sums.h"
#include "tessera/kernels/copy.h"
#include "tessera/ops/tape.h"

namespace tessera::ops {

namespace {

// Where a part lies in each sample of the whole, in elements.
struct Part {
  GradientOf gradient;
  bool shared;  // one sample, given to all
  int64_t offset, n;
};

void concat_backward(const Tensor& dy, const std::vector<Part>& parts) {
  const int64_t B = dy.size(0), stride = dy.size(1) * dy.size(2);
  kernels::Context& context = kernels::cpu_context();
  for (const auto& [gradient, shared, offset, n] : parts) {
    if (!gradient.wanted() || n == 0) continue;
    const float* source = dy.data() + offset;
    if (shared) {
      kernels::column_sums(context, {.x = source, .sums = gradient.target(), .rows = B, .N = n, .stride = stride});
    } else {
      kernels::copy_samples(
          context, {.x = source, .x_stride = stride, .y = gradient.target(), .y_stride = n, .samples = B, .n = n});
    }
  }
}

void slice_backward(const Tensor& dy, const kernels::Grad& dx, int64_t stride, int64_t offset) {
  const int64_t B = dy.size(0), n = dy.size(1) * dy.size(2);
  // x null: zeros.
  const auto copy = [&](const float* x, int64_t x_stride, int64_t begin, int64_t count) {
    kernels::copy_samples(kernels::cpu_context(), {.x = x,
                                                   .x_stride = x_stride,
                                                   .y = {dx.data + begin, dx.accumulate},
                                                   .y_stride = stride,
                                                   .samples = B,
                                                   .n = count});
  };
  copy(dy.data(), n, offset, n);
  if (dx.accumulate) return;
  copy(nullptr, 0, 0, offset);
  copy(nullptr, 0, offset + n, stride - offset - n);
}

}  // namespace

Tensor concat_tokens(const std::vector<Tensor>& parts) {
  TESSERA_CHECK(!parts.empty() && parts[0].rank() == 3, "concat_tokens: there must be parts of shape (B, n, D)");
  const int64_t D = parts[0].size(2);
  int64_t B = 1, N = 0;
  for (const Tensor& part : parts) {
    const bool fits = part.rank() == 3 && part.size(2) == D && (part.size(0) == 1 || B == 1 || part.size(0) == B);
    TESSERA_CHECK(fits, "concat_tokens: a part {} does not fit to {} samples of tokens of width {}",
                  to_string(part.shape()), B, D);
    B = part.size(0) == 1 ? B : part.size(0);
    N += part.size(1);
  }
  Tensor y = Tensor::empty({B, N, D});
  std::vector<Part> places;
  int64_t offset = 0;
  for (const Tensor& part : parts) {
    const int64_t n = part.size(1) * D;
    const bool shared = part.size(0) == 1 && B > 1;
    kernels::copy_samples(kernels::cpu_context(), {.x = part.data(),
                                                   .x_stride = shared ? 0 : n,
                                                   .y = {y.data() + offset},
                                                   .y_stride = N * D,
                                                   .samples = B,
                                                   .n = n});
    places.push_back({GradientOf(part), shared, offset, n});
    offset += n;
  }
  if (std::any_of(parts.begin(), parts.end(), [](const Tensor& part) { return recording({part}); })) {
    record(y, [places = std::move(places)](const Tensor& dy) { concat_backward(dy, places); });
  }
  return y;
}

Tensor slice_tokens(const Tensor& x, int64_t begin, int64_t count) {
  TESSERA_CHECK(x.rank() == 3 && begin >= 0 && count >= 0 && begin + count <= x.size(1),
                "slice_tokens: [{}, {}) are not tokens of x (B, N, D) = {}", begin, begin + count,
                to_string(x.shape()));
  const int64_t B = x.size(0), N = x.size(1), D = x.size(2);
  Tensor y = Tensor::empty({B, count, D});
  kernels::copy_samples(kernels::cpu_context(), {.x = x.data() + begin * D,
                                                 .x_stride = N * D,
                                                 .y = {y.data()},
                                                 .y_stride = count * D,
                                                 .samples = B,
                                                 .n = count * D});
  if (recording({x})) {
    record(y, [=, dx = GradientOf(x)](const Tensor& dy) { slice_backward(dy, dx.target(), N * D, begin * D); });
  }
  return y;
}

Tensor take_token(const Tensor& x, int64_t index) {
  const Tensor token = slice_tokens(x, index, 1);        // (B, 1, D)
  return token.reshape({token.size(0), token.size(2)});  // (B, D)
}

}  // namespace tessera::ops
