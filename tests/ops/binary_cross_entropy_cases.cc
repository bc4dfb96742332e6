#include "tests/ref/binary_cross_entropy.h"

#include "tessera/ops/binary_cross_entropy.h"
#include "tests/harness/op_case.h"

namespace tessera::test {

namespace {

struct Case {
  int64_t B, K;
  bool weighted = false;
  double divisor = 0;
  double mean = 0, deviation = 3;  // of the logits
};

OpCase binary_cross_entropy_case(const Case& c) {
  std::vector<double> values;  // (B, K): 0, 1 and what lies between
  for (int64_t i = 0; i < c.B * c.K; ++i) values.push_back(static_cast<double>(i * 5 % 9) / 8);
  std::vector<double> weights(static_cast<size_t>(c.K), 1);
  ops::BinaryCrossEntropyOptions options{.divisor = c.divisor};
  if (c.weighted) {
    options.positive_weights = Tensor::empty({c.K});
    for (int64_t k = 0; k < c.K; ++k)
      weights[static_cast<size_t>(k)] = options.positive_weights.data()[k] = 0.5f * static_cast<float>(k % 4);
  }
  const Tensor targets = Tensor::empty({c.B, c.K});
  for (int64_t i = 0; i < targets.numel(); ++i) targets.data()[i] = static_cast<float>(values[static_cast<size_t>(i)]);
  const double divisor = c.divisor != 0 ? c.divisor : static_cast<double>(c.B * c.K);
  OpCase result = op_case(
      "binary_cross_entropy",
      fmt::format("{}x{} weighted={} divisor={} mean={} deviation={}", c.B, c.K, c.weighted, c.divisor, c.mean,
                  c.deviation),
      {{.name = "logits", .shape = {c.B, c.K}, .mean = c.mean, .deviation = c.deviation}},
      [=](const auto& x) { return ops::binary_cross_entropy(x[0], targets, options); },
      [=](const auto& x) {
        auto loss = ref_binary_cross_entropy_sum(x[0], values, weights);
        loss[0] = loss[0] / divisor;
        return loss;
      });
  // With one output, <gradient, v> is small by chance now and then, while its error is not.
  result.gradient_tolerance = 1e-5;
  return result;
}

}  // namespace

void register_binary_cross_entropy_cases(OpCases& cases) {
  for (const Case& c : std::vector<Case>{{.B = 1, .K = 1},
                                         {.B = 4, .K = 7},
                                         {.B = 5, .K = 33, .weighted = true},
                                         {.B = 4, .K = 10, .divisor = 64},
                                         {.B = 300, .K = 131},  // several pieces
                                         {.B = 5, .K = 17, .mean = 50, .deviation = 0},
                                         {.B = 5, .K = 17, .weighted = true, .deviation = 1e3}})
    cases.push_back(binary_cross_entropy_case(c));
  cases.push_back(binary_cross_entropy_case({.B = 64, .K = 1000}));
  cases.back().benchmark = true;
}

}  // namespace tessera::test
