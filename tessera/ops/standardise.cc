#include "tessera/ops/standardise.h"

#include "tessera/ops/frozen.h"
#include "tessera/ops/tape.h"

namespace tessera::ops {

namespace {
constexpr int64_t kStandardised = -3;  // a layout that no product asks for
}

Tensor standardise(const Tensor& w, float eps, EpsilonOn epsilon_on) {
  TESSERA_CHECK(w.rank() >= 2 && w.numel() > 0, "standardise: w must be (O, …) and not empty, but it is {}",
                to_string(w.shape()));
  const int64_t rows = w.size(0), K = w.numel() / rows;
  const auto standardised = [&] {
    Tensor y = Tensor::empty(w.shape());
    kernels::standardise_forward(
        kernels::cpu_context(),
        {.x = w.data(), .y = y.data(), .rows = rows, .K = K, .eps = eps, .epsilon_on = epsilon_on});
    return y;
  };
  // Kept beside frozen weights; one of these is asked of a weight, since a model has one epsilon.
  Tensor y = derived(w, kStandardised, w.shape(), standardised);
  if (recording({w})) {
    record(y, [=, x = w.detach(), dx = GradientOf(w)](const Tensor& dy) {
      kernels::standardise_backward(kernels::cpu_context(), {.dy = dy.data(),
                                                             .x = x.data(),
                                                             .dx = dx.target(),
                                                             .rows = rows,
                                                             .K = K,
                                                             .eps = eps,
                                                             .epsilon_on = epsilon_on});
    });
  }
  return y;
}

}  // namespace tessera::ops
