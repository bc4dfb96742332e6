#include "tessera/ops/complex_batch_norm.h"

#include "tessera/ops/tape.h"

namespace tessera::ops {

namespace {

template <size_t N>
std::array<const float*, N> data_of(const std::array<Tensor, N>& tensors) {
  std::array<const float*, N> result;
  for (size_t i = 0; i < N; ++i) result[i] = tensors[i].data();
  return result;
}

template <size_t N>
std::array<Tensor, N> detached(std::array<Tensor, N> tensors) {
  for (Tensor& tensor : tensors) tensor = tensor.detach();
  return tensors;
}

template <size_t N>
std::array<Tensor, N> empty(int64_t C) {
  std::array<Tensor, N> tensors;
  for (Tensor& tensor : tensors) tensor = Tensor::empty({C});
  return tensors;
}

template <size_t N>
std::array<float*, N> targets_of(const std::array<Tensor, N>& tensors) {
  std::array<float*, N> result;
  for (size_t i = 0; i < N; ++i) result[i] = tensors[i].data();
  return result;
}

void check(const Tensor& x, const ComplexBatchNormState& s, const Tensor& residual) {
  TESSERA_CHECK(x.rank() >= 2 && x.numel() > 0 && x.size(-1) % 2 == 0,
                "complex_batch_norm: x must be (B, …, 2·C) and not empty, but it is {}", to_string(x.shape()));
  const auto all_fit = [&](const auto& tensors) {
    for (const Tensor& tensor : tensors)
      TESSERA_CHECK(tensor.shape() == Shape{x.size(-1) / 2},
                    "complex_batch_norm: weights and statistics must have half the last extent of x {}, but one is {}",
                    to_string(x.shape()), to_string(tensor.shape()));
  };
  all_fit(s.gamma), all_fit(s.beta), all_fit(s.running_mean), all_fit(s.running_covariance);
  TESSERA_CHECK(!residual || residual.shape() == x.shape(),
                "complex_batch_norm: the residual {} must have the shape of x {}", to_string(residual.shape()),
                to_string(x.shape()));
}

// The batch's statistics; the running ones follow.
void count(const Tensor& x, const ComplexBatchNormState& s, float momentum, const std::array<Tensor, 2>& mean,
           const std::array<Tensor, 3>& covariance) {
  const kernels::ComplexBatchNormShape shape = {.P = x.numel() / x.size(-1), .C = x.size(-1) / 2};
  TESSERA_CHECK(shape.P > 1, "complex_batch_norm: training needs more than one value of each channel, but x is {}",
                to_string(x.shape()));
  kernels::complex_batch_statistics(
      kernels::cpu_context(),
      {.x = x.data(), .mean = targets_of(mean), .covariance = targets_of(covariance), .shape = shape});
  const double unbiased = static_cast<double>(shape.P) / static_cast<double>(shape.P - 1);
  for (size_t i = 0; i < 2; ++i) follow(s.running_mean[i], mean[i].span(), momentum);
  for (size_t i = 0; i < 3; ++i) follow(s.running_covariance[i], covariance[i].span(), momentum, unbiased);
}

}  // namespace

Tensor complex_batch_norm(const Tensor& x, const ComplexBatchNormState& s, const BatchNormOptions& options,
                          const Tensor& residual) {
  check(x, s, residual);
  const int64_t C = x.size(-1) / 2;
  const kernels::ComplexBatchNormShape shape = {.P = x.numel() / x.size(-1), .C = C};
  std::array<Tensor, 2> mean = detached(s.running_mean);
  std::array<Tensor, 3> covariance = detached(s.running_covariance);
  if (options.training) {
    mean = empty<2>(C), covariance = empty<3>(C);
    count(x, s, options.momentum, mean, covariance);
  }
  Tensor y = Tensor::empty(x.shape());
  kernels::complex_batch_norm_forward(kernels::cpu_context(), {.x = x.data(),
                                                               .mean = data_of(mean),
                                                               .covariance = data_of(covariance),
                                                               .gamma = data_of(s.gamma),
                                                               .beta = data_of(s.beta),
                                                               .residual = residual ? residual.data() : nullptr,
                                                               .y = y.data(),
                                                               .shape = shape,
                                                               .eps = options.eps,
                                                               .activation = options.activation});
  if (recording({x, s.gamma[0], s.gamma[1], s.gamma[2], s.beta[0], s.beta[1], residual})) {
    const bool plain = options.activation == Activation::none;  // its gradient does not ask for the residual
    const std::array<GradientOf, 3> dgamma = {GradientOf(s.gamma[0]), GradientOf(s.gamma[1]), GradientOf(s.gamma[2])};
    const std::array<GradientOf, 2> dbeta = {GradientOf(s.beta[0]), GradientOf(s.beta[1])};
    record(y, [=, x = x.detach(), gamma = detached(s.gamma), beta = detached(s.beta),
               added = residual && !plain ? residual.detach() : Tensor(), dx = GradientOf(x),
               dresidual = GradientOf(residual)](const Tensor& dy) {
      if (plain) dresidual.add(dy);
      kernels::complex_batch_norm_backward(kernels::cpu_context(),
                                           {.dy = dy.data(),
                                            .x = x.data(),
                                            .mean = data_of(mean),
                                            .covariance = data_of(covariance),
                                            .gamma = data_of(gamma),
                                            .beta = data_of(beta),
                                            .residual = added ? added.data() : nullptr,
                                            .dx = dx.target(),
                                            .dresidual = plain ? kernels::Grad() : dresidual.target(),
                                            .dgamma = {dgamma[0].target(), dgamma[1].target(), dgamma[2].target()},
                                            .dbeta = {dbeta[0].target(), dbeta[1].target()},
                                            .shape = shape,
                                            .eps = options.eps,
                                            .activation = options.activation,
                                            .own_statistics = options.training});
    });
  }
  return y;
}

FoldedLayer folded(const ComplexBatchNormState& s, float eps, const Tensor& w, const Tensor& bias) {
  const int64_t O = s.gamma[0].numel(), row = w.numel() / (2 * O);
  TESSERA_CHECK(w.rank() > 0 && w.size(0) == 2 * O, "complex_batch_norm: {} channels do not fold into weights {}", O,
                to_string(w.shape()));
  const FoldedLayer result = {Tensor::empty(w.shape()), Tensor::empty({2 * O})};  // w (2·O, …), bias (2·O)
  for (int64_t o = 0; o < O; ++o) {
    const kernels::ComplexAffine A = kernels::complex_affine(data_of(s.running_mean), data_of(s.running_covariance),
                                                             data_of(s.gamma), data_of(s.beta), eps, o);
    const double re = bias ? bias.data()[o] : 0, im = bias ? bias.data()[O + o] : 0;
    result.bias.data()[o] = static_cast<float>(A.rr * re + A.ri * im + A.shift_real);
    result.bias.data()[O + o] = static_cast<float>(A.ir * re + A.ii * im + A.shift_imag);
    const float *upper = w.data() + o * row, *lower = upper + O * row;
    float *to_upper = result.w.data() + o * row, *to_lower = to_upper + O * row;
    for (int64_t i = 0; i < row; ++i) {
      to_upper[i] = static_cast<float>(A.rr * upper[i] + A.ri * lower[i]);
      to_lower[i] = static_cast<float>(A.ir * upper[i] + A.ii * lower[i]);
    }
  }
  return result;
}

}  // namespace tessera::ops
