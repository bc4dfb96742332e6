#include "tessera/ops/complex_batch_norm.h"

#include "tests/harness/op_case.h"
#include "tests/ref/complex_batch_norm.h"

namespace tessera::test {

namespace {

using ops::Activation;

struct ComplexBatchNormCase {
  int64_t P, C;
  Activation activation = Activation::none;
  bool training = true, residual = false;
  float eps = 1e-5f;
  double deviation = 1;
};

// Inputs by name, of one channel each row: gamma and covariance rr, ri, ii; beta and mean real, imaginary.
constexpr size_t kGamma = 1, kBeta = 4, kMean = 6, kCovariance = 8, kResidual = 11;

std::vector<Input> inputs_of(const ComplexBatchNormCase& c) {
  const Shape channels = {c.C};
  std::vector<Input> inputs = {{.name = "x", .shape = {c.P, 2 * c.C}, .mean = 0.5, .deviation = c.deviation}};
  for (const auto& [name, mean] : {std::pair{"gamma_rr", 0.7}, {"gamma_ri", 0.1}, {"gamma_ii", 0.6}})
    inputs.push_back({.name = name, .shape = channels, .mean = mean, .deviation = 0.2});
  for (const char* name : {"beta_real", "beta_imag"}) inputs.push_back({.name = name, .shape = channels});
  for (const char* name : {"mean_real", "mean_imag"})
    inputs.push_back({.name = name, .shape = channels, .differentiable = false});
  for (const auto& [name, mean] : {std::pair{"covariance_rr", 2.0}, {"covariance_ri", 0.4}, {"covariance_ii", 1.5}})
    inputs.push_back({.name = name, .shape = channels, .mean = mean, .deviation = 0.1, .differentiable = false});
  if (c.residual) inputs.push_back({.name = "residual", .shape = {c.P, 2 * c.C}});
  return inputs;
}

// Rows of one array, as the reference has them.
template <class T>
Array<T> stacked(const std::vector<Array<T>>& x, size_t first, size_t count) {
  Array<T> rows(Shape{static_cast<int64_t>(count), x[first].size(0)});
  for (int64_t i = 0; i < rows.shape.numel(); ++i)
    rows[i] = x[first + static_cast<size_t>(i / rows.size(1))][i % rows.size(1)];
  return rows;
}

OpCase complex_batch_norm_case(const ComplexBatchNormCase& c) {
  return op_case(
      "complex_batch_norm",
      fmt::format("{} {} eps={} {}{}{}", c.P, c.C, c.eps, name_of(c.activation), c.training ? " training" : "",
                  c.residual ? " residual" : ""),
      inputs_of(c),
      [c](const auto& x) {
        const ops::ComplexBatchNormState state = {
            .gamma = {x[kGamma], x[kGamma + 1], x[kGamma + 2]},
            .beta = {x[kBeta], x[kBeta + 1]},
            .running_mean = {x[kMean].clone(), x[kMean + 1].clone()},
            .running_covariance = {x[kCovariance].clone(), x[kCovariance + 1].clone(), x[kCovariance + 2].clone()}};
        return ops::complex_batch_norm(x[0], state, {.eps = c.eps, .activation = c.activation, .training = c.training},
                                       c.residual ? x[kResidual] : Tensor());
      },
      [c](const auto& x) {
        const auto gamma = stacked(x, kGamma, 3), beta = stacked(x, kBeta, 2), mean = stacked(x, kMean, 2),
                   covariance = stacked(x, kCovariance, 3);
        return ref_complex_batch_norm(x[0], gamma, beta, c.training ? nullptr : &mean,
                                      c.training ? nullptr : &covariance, c.residual ? &x[kResidual] : nullptr, c.eps,
                                      c.activation);
      });
}

}  // namespace

void register_complex_batch_norm_cases(OpCases& cases) {
  for (const bool training : {true, false}) {
    const auto add = [&](ComplexBatchNormCase c) {
      c.training = training;
      cases.push_back(complex_batch_norm_case(c));
    };
    add({.P = 5, .C = 1});
    add({.P = 9, .C = 5, .activation = Activation::relu});
    add({.P = 33, .C = 17, .residual = true});
    add({.P = 70, .C = 16, .activation = Activation::relu, .residual = true});
    add({.P = 50, .C = 3, .eps = 1e-2f, .deviation = 0.05});    // eps shows
    add({.P = 2000, .C = 37, .activation = Activation::relu});  // several threads
  }
  cases.push_back(complex_batch_norm_case({.P = 64 * 16 * 16, .C = 32, .activation = Activation::relu}));
  cases.back().benchmark = true;
}

}  // namespace tessera::test
