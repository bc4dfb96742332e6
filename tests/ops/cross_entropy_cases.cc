#include "tessera/ops/cross_entropy.h"

#include "tests/harness/op_case.h"
#include "tests/ref/cross_entropy.h"

namespace tessera::test {

namespace {

struct Case {
  int64_t B, K;
  float smoothing = 0;
  bool weighted = false;
  bool soft = false;
  double divisor = 0;
  double mean = 0, deviation = 3;  // of the logits
};

OpCase cross_entropy_case(const Case& c) {
  Array<double> targets(Shape{c.B, c.K});
  Tensor labels = Tensor::empty({c.B}, DType::i64), soft = Tensor::empty({c.B, c.K});
  for (int64_t b = 0; b < c.B; ++b) {
    const int64_t label = b * 7 % c.K;
    labels.data<int64_t>()[b] = label;
    // Two classes mixed, as mixup does.
    targets(b, label) += c.soft ? 0.75 : 1;
    if (c.soft) targets(b, (label + 3) % c.K) += 0.25;
  }
  for (int64_t i = 0; i < c.B * c.K; ++i) soft.data()[i] = static_cast<float>(targets[i]);
  std::vector<double> weights(static_cast<size_t>(c.K), 1);
  ops::CrossEntropyOptions options{.smoothing = c.smoothing, .divisor = c.divisor};
  if (c.weighted) {
    options.class_weights = Tensor::empty({c.K});
    for (int64_t k = 0; k < c.K; ++k)
      weights[static_cast<size_t>(k)] = options.class_weights.data()[k] = 0.25f * static_cast<float>(k % 5);
  }
  double divisor = c.divisor;
  for (int64_t b = 0; c.divisor == 0 && b < c.B; ++b)
    divisor += c.soft ? 1 : weights[static_cast<size_t>(labels.data<int64_t>()[b])];
  OpCase result = op_case(
      "cross_entropy",
      fmt::format("{}x{} smoothing={} weighted={} soft={} divisor={} mean={} deviation={}", c.B, c.K, c.smoothing,
                  c.weighted, c.soft, c.divisor, c.mean, c.deviation),
      {{.name = "logits", .shape = {c.B, c.K}, .mean = c.mean, .deviation = c.deviation}},
      [=](const auto& x) {
        return c.soft ? ops::soft_cross_entropy(x[0], soft, options) : ops::cross_entropy(x[0], labels, options);
      },
      [=](const auto& x) {
        auto loss = ref_cross_entropy_sum(x[0], targets, weights, c.smoothing);
        loss[0] = loss[0] / divisor;
        return loss;
      });
  // With one output, <gradient, v> is small by chance now and then, while its error is not.
  result.gradient_tolerance = 1e-5;
  return result;
}

}  // namespace

void register_cross_entropy_cases(OpCases& cases) {
  for (const Case& c : std::vector<Case>{{.B = 1, .K = 1},
                                         {.B = 4, .K = 7},
                                         {.B = 9, .K = 10, .smoothing = 0.1f},
                                         {.B = 5, .K = 33, .weighted = true},
                                         {.B = 6, .K = 19, .smoothing = 0.3f, .weighted = true},
                                         {.B = 7, .K = 10, .soft = true},
                                         {.B = 3, .K = 37, .smoothing = 0.1f, .soft = true},
                                         {.B = 8, .K = 11, .smoothing = 0.2f, .weighted = true, .soft = true},
                                         {.B = 4, .K = 10, .divisor = 64},
                                         {.B = 4, .K = 10, .weighted = true, .divisor = 12.5},
                                         {.B = 4, .K = 10, .soft = true, .divisor = 64},
                                         {.B = 300, .K = 131, .smoothing = 0.1f},  // several pieces
                                         {.B = 5, .K = 17, .mean = 1e4, .deviation = 0},
                                         {.B = 5, .K = 17, .smoothing = 0.1f, .deviation = 1e4}})
    cases.push_back(cross_entropy_case(c));
  for (const Case& c : std::vector<Case>{{.B = 128, .K = 10, .smoothing = 0.1f}, {.B = 64, .K = 1000}}) {
    cases.push_back(cross_entropy_case(c));
    cases.back().benchmark = true;
  }
}

}  // namespace tessera::test
