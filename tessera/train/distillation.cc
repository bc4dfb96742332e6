#include "tessera/train/distillation.h"

#include <algorithm>
#include <cmath>

#include "tessera/ops/add.h"
#include "tessera/ops/cross_entropy.h"
#include "tessera/ops/scale.h"

namespace tessera::train {
namespace {

// (B, K) -> i64 (B): the best class of each row, of equal ones the first
Tensor best_classes(const Tensor& teacher) {
  const int64_t B = teacher.size(0), K = teacher.size(1);
  const Tensor best = Tensor::empty({B}, DType::i64);
  for (int64_t b = 0; b < B; ++b) {
    const float* row = teacher.data() + b * K;
    best.data<int64_t>()[b] = std::max_element(row, row + K) - row;
  }
  return best;
}

// What the teacher thinks of each class, p (B, K), and Σ p log p over all of it.
struct Belief {
  Tensor probabilities;
  double negative_entropy = 0;
};

Belief belief_of(const Tensor& teacher, double temperature) {
  const int64_t B = teacher.size(0), K = teacher.size(1);
  Belief belief{Tensor::empty({B, K})};
  for (int64_t b = 0; b < B; ++b) {
    const float* row = teacher.data() + b * K;
    const double largest = *std::max_element(row, row + K);
    double sum = 0;
    for (int64_t k = 0; k < K; ++k) sum += std::exp((row[k] - largest) / temperature);
    for (int64_t k = 0; k < K; ++k) {
      const double log_p = (row[k] - largest) / temperature - std::log(sum), p = std::exp(log_p);
      belief.probabilities.data()[b * K + k] = static_cast<float>(p);
      if (p > 0) belief.negative_entropy += p * log_p;
    }
  }
  return belief;
}

}  // namespace

Tensor distillation_loss(const DistillationOptions& options, const Tensor& logits, const Tensor& teacher,
                         int64_t pictures) {
  const auto B = static_cast<double>(pictures);
  if (options.kind == "hard") return ops::cross_entropy(logits, best_classes(teacher), {.divisor = B});  // (1)
  const int64_t K = logits.size(1);
  const double T = options.temperature, divisor = options.over_classes ? B * static_cast<double>(K) : B;
  const Belief belief = belief_of(teacher, T);
  const Tensor cooled = ops::scale(logits, Tensor::full({K}, static_cast<float>(1 / T)));  // (B, K)
  // KL = Σ p log p - Σ p log q, of which only the second depends on the student.
  const Tensor crossed = ops::soft_cross_entropy(cooled, belief.probabilities, {.divisor = divisor / (T * T)});  // (1)
  return ops::add(crossed, Tensor::full({1}, static_cast<float>(T * T * belief.negative_entropy / divisor)));
}

}  // namespace tessera::train
