#include "tessera/ops/batch_norm.h"

#include "tests/harness/op_case.h"
#include "tests/ref/batch_norm.h"

namespace tessera::test {

namespace {

using ops::Activation;

struct BatchNormCase {
  int64_t P, C;
  Activation activation = Activation::none;
  bool training = true, residual = false;
  float eps = 1e-5f;
  double deviation = 1;
  Activation before = Activation::none;
};

OpCase batch_norm_case(const BatchNormCase& c) {
  std::vector<Input> inputs = {
      {.name = "x", .shape = {c.P, c.C}, .mean = 0.5, .deviation = c.deviation},
      {.name = "gamma", .shape = {c.C}, .mean = 1, .deviation = 0.3},
      {.name = "beta", .shape = {c.C}},
      {.name = "mean", .shape = {c.C}, .differentiable = false},
      {.name = "variance", .shape = {c.C}, .mean = 2, .deviation = 0.2, .differentiable = false}};
  if (c.residual) inputs.push_back({.name = "residual", .shape = {c.P, c.C}});
  return op_case(
      "batch_norm",
      fmt::format("{} {} eps={} {}{}{}{}", c.P, c.C, c.eps,
                  c.before == Activation::none ? "" : fmt::format("before={} ", name_of(c.before)),
                  name_of(c.activation), c.training ? " training" : "", c.residual ? " residual" : ""),
      inputs,
      [c](const auto& x) {
        const ops::BatchNormState state = {x[1], x[2], x[3].clone(), x[4].clone()};
        return ops::batch_norm(x[0], state,
                               {.eps = c.eps, .before = c.before, .activation = c.activation, .training = c.training},
                               c.residual ? x[5] : Tensor());
      },
      [c](const auto& x) {
        return ref_batch_norm(x[0], x[1], x[2], c.training ? nullptr : &x[3], c.training ? nullptr : &x[4],
                              c.residual ? &x[5] : nullptr, c.eps, c.before, c.activation);
      });
}

}  // namespace

void register_batch_norm_cases(OpCases& cases) {
  for (const bool training : {true, false}) {
    const auto add = [&](BatchNormCase c) {
      c.training = training;
      cases.push_back(batch_norm_case(c));
    };
    add({.P = 3, .C = 1});
    add({.P = 7, .C = 5, .activation = Activation::relu});
    add({.P = 33, .C = 17, .residual = true});
    add({.P = 70, .C = 16, .activation = Activation::relu, .residual = true});
    add({.P = 70, .C = 19, .activation = Activation::silu});
    add({.P = 35, .C = 8, .activation = Activation::relu6});
    add({.P = 40, .C = 8, .activation = Activation::gelu_erf, .residual = true});
    add({.P = 50, .C = 3, .eps = 1e-2f, .deviation = 0.05});  // eps shows
    add({.P = 9, .C = 21, .before = Activation::tanh});
    add({.P = 70, .C = 16, .before = Activation::relu});
    add({.P = 33, .C = 17, .residual = true, .before = Activation::gelu_erf});
    add({.P = 3000, .C = 19, .residual = true, .before = Activation::silu});
    add({.P = 3000, .C = 37, .activation = Activation::hard_swish, .residual = true});  // several threads
  }
  cases.push_back(batch_norm_case({.P = 16 * 56 * 56, .C = 64, .activation = Activation::relu}));
  cases.back().benchmark = true;
  cases.push_back(batch_norm_case({.P = 16 * 14 * 14, .C = 256, .activation = Activation::relu, .residual = true}));
  cases.back().benchmark = true;
  cases.push_back(batch_norm_case({.P = 64 * 16 * 16, .C = 256, .residual = true, .before = Activation::gelu_erf}));
  cases.back().benchmark = true;
}

}  // namespace tessera::test
