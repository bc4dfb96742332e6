#include "tessera/ops/batch_norm_parts.h"

#include <numeric>

#include "tests/harness/op_case.h"
#include "tests/ref/batch_norm.h"
#include "tests/ref/concat_channels.h"

namespace tessera::test {

namespace {

using ops::Activation;

struct PartsCase {
  int64_t P;
  std::vector<int64_t> C;
  Activation activation = Activation::none;
  bool training = true;
  double mean = 0.5;
};

// x: the parts, gamma, beta, running mean and variance.
template <class T>
Array<T> reference(const PartsCase& c, const std::vector<Array<T>>& x) {
  const size_t n = c.C.size();
  const Array<T> joined = ref_concat_channels(std::vector<Array<T>>(x.begin(), x.begin() + static_cast<long>(n)));
  return ref_batch_norm(joined, x[n], x[n + 1], c.training ? nullptr : &x[n + 2], c.training ? nullptr : &x[n + 3],
                        static_cast<const Array<T>*>(nullptr), 1e-5, kernels::Activation::none, c.activation);
}

Tensor run(const PartsCase& c, const std::vector<Tensor>& x) {
  const size_t n = c.C.size();
  std::vector<ops::NormPart> parts;
  for (size_t i = 0; i < n; ++i) parts.push_back({x[i], c.training ? ops::moments(x[i]) : Tensor()});
  const ops::BatchNormState state = {x[n], x[n + 1], x[n + 2].clone(), x[n + 3].clone()};
  return ops::batch_norm_parts(parts, state, {.activation = c.activation, .training = c.training});
}

OpCase parts_case(const PartsCase& c) {
  std::vector<Input> inputs;
  const int64_t C = std::accumulate(c.C.begin(), c.C.end(), int64_t{0});
  std::string name = std::to_string(c.P);
  for (const int64_t channels : c.C) {
    inputs.push_back({.name = "x", .shape = {c.P, channels}, .mean = c.mean});
    name += fmt::format(" {}", channels);
  }
  inputs.push_back({.name = "gamma", .shape = {C}, .mean = 1, .deviation = 0.3});
  inputs.push_back({.name = "beta", .shape = {C}});
  inputs.push_back({.name = "mean", .shape = {C}, .differentiable = false});
  inputs.push_back({.name = "variance", .shape = {C}, .mean = 2, .deviation = 0.2, .differentiable = false});
  return op_case(
      "batch_norm_parts", name + " " + name_of(c.activation) + (c.training ? " training" : ""), inputs,
      [c](const auto& x) { return run(c, x); }, [c](const auto& x) { return reference(c, x); });
}

}  // namespace

void register_batch_norm_parts_cases(OpCases& cases) {
  for (const bool training : {true, false}) {
    const auto add = [&](PartsCase c) {
      c.training = training;
      cases.push_back(parts_case(c));
    };
    add({.P = 3, .C = {1}});
    add({.P = 7, .C = {5, 3}, .activation = Activation::relu});
    add({.P = 33, .C = {16, 8, 8, 8}, .activation = Activation::relu});
    add({.P = 70, .C = {19, 1, 33}, .activation = Activation::silu});
    add({.P = 1500, .C = {24, 12, 12}, .activation = Activation::relu});  // several pieces
  }
  std::vector<int64_t> channels(20, 32);
  cases.push_back(parts_case({.P = 8 * 14 * 14, .C = channels, .activation = Activation::relu}));
  cases.back().benchmark = true;
}

}  // namespace tessera::test
