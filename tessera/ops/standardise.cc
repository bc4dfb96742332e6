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
  const auto standardise_into = [&](float* y) {
    kernels::standardise_forward(kernels::cpu_context(),
                                 {.x = w.data(), .y = y, .rows = rows, .K = K, .eps = eps, .epsilon_on = epsilon_on});
  };
  if (kernels::FrozenWeights* frozen = frozen_weights(); frozen && !recording({w})) {
    // Kept beside the weights; one of these is asked of a weight, since a model has one epsilon.
    const size_t bytes = static_cast<size_t>(w.numel()) * sizeof(float);
    const std::byte* kept = frozen->copy({reinterpret_cast<const std::byte*>(w.data()), bytes}, kStandardised, [&] {
      std::shared_ptr<std::byte> y = allocate(bytes);
      standardise_into(reinterpret_cast<float*>(y.get()));
      return y;
    });
    if (kept) return Tensor::mapped(w.shape(), DType::f32, {std::shared_ptr<const std::byte>(), kept});
  }
  Tensor y = Tensor::empty(w.shape());
  standardise_into(y.data());
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
