#include "tessera/ops/batch_norm.h"

#include "tessera/ops/frozen.h"
#include "tessera/ops/tape.h"
#include "tessera/ops/training.h"

namespace tessera::ops {

namespace {

void check(const Tensor& x, const BatchNormState& s, const Tensor& residual) {
  TESSERA_CHECK(x.rank() >= 2 && x.numel() > 0, "batch_norm: x must be (B, …, C) and not empty, but it is {}",
                to_string(x.shape()));
  for (const Tensor& tensor : {s.gamma, s.beta, s.running_mean, s.running_variance})
    TESSERA_CHECK(tensor.shape() == Shape{x.size(-1)},
                  "batch_norm: weights and statistics must have the last extent of x {}, but one is {}",
                  to_string(x.shape()), to_string(tensor.shape()));
  TESSERA_CHECK(!residual || residual.shape() == x.shape(), "batch_norm: the residual {} must have the shape of x {}",
                to_string(residual.shape()), to_string(x.shape()));
}

// The batch's statistics; the running ones follow.
void count(const Tensor& x, const BatchNormState& s, const BatchNormOptions& options, const Tensor& mean,
           const Tensor& variance) {
  const kernels::BatchNormShape shape = {.P = x.numel() / x.size(-1), .C = x.size(-1)};
  TESSERA_CHECK(shape.P > 1, "batch_norm: training needs more than one value of each channel, but x is {}",
                to_string(x.shape()));
  kernels::batch_statistics(
      kernels::cpu_context(),
      {.x = x.data(), .mean = mean.data(), .variance = variance.data(), .shape = shape, .before = options.before});
  follow(s, options.momentum, shape.P, mean.span(), variance.span());
}

}  // namespace

Tensor batch_norm(const Tensor& x, const BatchNormState& s, const BatchNormOptions& options, const Tensor& residual) {
  check(x, s, residual);
  TESSERA_CHECK(options.before == Activation::none || options.activation == Activation::none,
                "batch_norm: there is an activation before the norm or behind it, not both");
  const int64_t C = x.size(-1);
  const kernels::BatchNormShape shape = {.P = x.numel() / C, .C = C};
  Tensor mean = s.running_mean.detach(), variance = s.running_variance.detach();
  if (options.training) {
    mean = Tensor::empty({C}), variance = Tensor::empty({C});
    count(x, s, options, mean, variance);
  }
  Tensor y = Tensor::empty(x.shape());
  kernels::batch_norm_forward(kernels::cpu_context(), {.x = x.data(),
                                                       .mean = mean.data(),
                                                       .variance = variance.data(),
                                                       .gamma = s.gamma.data(),
                                                       .beta = s.beta.data(),
                                                       .residual = residual ? residual.data() : nullptr,
                                                       .y = y.data(),
                                                       .shape = shape,
                                                       .eps = options.eps,
                                                       .before = options.before,
                                                       .activation = options.activation});
  if (recording({x, s.gamma, s.beta, residual})) {
    const bool plain = options.activation == Activation::none;  // its gradient does not ask for the residual
    record(y, [=, x = x.detach(), gamma = s.gamma.detach(), beta = s.beta.detach(),
               added = residual && !plain ? residual.detach() : Tensor(), dx = GradientOf(x),
               dgamma = GradientOf(s.gamma), dbeta = GradientOf(s.beta),
               dresidual = GradientOf(residual)](const Tensor& dy) {
      if (plain) dresidual.add(dy);
      kernels::batch_norm_backward(kernels::cpu_context(), {.dy = dy.data(),
                                                            .x = x.data(),
                                                            .mean = mean.data(),
                                                            .variance = variance.data(),
                                                            .gamma = gamma.data(),
                                                            .beta = beta.data(),
                                                            .residual = added ? added.data() : nullptr,
                                                            .dx = dx.target(),
                                                            .dresidual = plain ? kernels::Grad() : dresidual.target(),
                                                            .dgamma = dgamma.target(),
                                                            .dbeta = dbeta.target(),
                                                            .shape = shape,
                                                            .eps = options.eps,
                                                            .before = options.before,
                                                            .activation = options.activation,
                                                            .own_statistics = options.training});
    });
  }
  return y;
}

void follow(const Tensor& running, std::span<const float> batch, float momentum, double factor, int64_t first) {
  if (current_training() && current_training()->repeated) return;
  for (size_t c = 0; c < batch.size(); ++c) {
    float& value = running.data()[first + static_cast<int64_t>(c)];
    value += momentum * (static_cast<float>(factor * batch[c]) - value);
  }
}

void follow(const BatchNormState& s, float momentum, int64_t P, std::span<const float> mean,
            std::span<const float> variance, int64_t first) {
  follow(s.running_mean, mean, momentum, 1, first);
  follow(s.running_variance, variance, momentum, static_cast<double>(P) / static_cast<double>(P - 1), first);
}

ChannelAffine folded(const BatchNormState& s, float eps, const Tensor& bias) {
  const int64_t C = s.gamma.numel();
  const auto make = [&] {
    auto both = allocate(2 * s.gamma.bytes());
    auto* const scale_of = reinterpret_cast<float*>(both.get());
    for (int64_t c = 0; c < C; ++c) {
      const double mean = static_cast<double>(s.running_mean.data()[c]) - (bias ? bias.data()[c] : 0.0f);
      const kernels::NormAffine affine =
          kernels::norm_affine(mean, s.running_variance.data()[c], s.gamma.data()[c], s.beta.data()[c], eps);
      scale_of[c] = static_cast<float>(affine.scale);
      scale_of[C + c] = static_cast<float>(affine.shift);
    }
    return both;
  };
  std::shared_ptr<const std::byte> both;
  if (kernels::FrozenWeights* frozen = frozen_weights()) {
    constexpr int64_t kFolded = -1;  // a layout that no product asks for
    if (const std::byte* kept = frozen->copy({s.gamma.raw(), s.gamma.bytes()}, kFolded, make))
      both = std::shared_ptr<const std::byte>(std::shared_ptr<void>(), kept);
  }
  if (!both) both = make();
  const std::shared_ptr<const std::byte> shift(both, both.get() + s.gamma.bytes());
  return {Tensor::mapped({C}, DType::f32, both), Tensor::mapped({C}, DType::f32, shift)};
}

}  // namespace tessera::ops
