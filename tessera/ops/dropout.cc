#include "tessera/ops/dropout.h"

#include "tessera/core/random.h"
#include "tessera/kernels/dropout.h"
#include "tessera/ops/tape.h"
#include "tessera/ops/training.h"

namespace tessera::ops {

namespace {

using Kernel = void (*)(kernels::Context&, const kernels::Dropout&);

// No mask is kept: backward draws the same numbers again.
Tensor drop(const Tensor& x, float p, std::string_view path, const char* name, Kernel kernel) {
  TESSERA_CHECK(p >= 0 && p < 1, "{}: the probability must be in [0, 1), but it is {}", name, p);
  if (!current_training() || p == 0) return x;
  TESSERA_CHECK(x.rank() > 0, "{}: x must be (B, …), but it is {}", name, to_string(x.shape()));
  Tensor y = Tensor::empty(x.shape());
  const int64_t samples = x.size(0);
  kernels::Dropout args{.x = x.data(),
                        .y = {y.data()},
                        .samples = samples,
                        .n = samples ? x.numel() / samples : 0,
                        .p = p,
                        .key = random_key(current_training()->seed, path),
                        .step = current_training()->step,
                        .first_sample = current_training()->first_sample};
  kernel(kernels::cpu_context(), args);
  if (recording({x})) {
    record(y, [=, dx = GradientOf(x)](const Tensor& dy) mutable {
      args.x = dy.data();
      args.y = dx.target();
      kernel(kernels::cpu_context(), args);
    });
  }
  return y;
}

}  // namespace

Tensor dropout(const Tensor& x, float p, std::string_view path) {
  return drop(x, p, path, "dropout", kernels::dropout);
}

Tensor drop_path(const Tensor& x, float p, std::string_view path) {
  return drop(x, p, path, "drop_path", kernels::drop_path);
}

}  // namespace tessera::ops
