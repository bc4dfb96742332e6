#include "tessera/train/loss.h"

#include <utility>

#include "tessera/core/error.h"
#include "tessera/image/mix.h"
#include "tessera/ops/add.h"
#include "tessera/ops/binary_cross_entropy.h"
#include "tessera/ops/complex_cross_entropy.h"
#include "tessera/ops/cross_entropy.h"
#include "tessera/ops/scale.h"

namespace tessera::train {

Loss::Loss(LossOptions options, Tensor class_weights)
    : options_(std::move(options)), class_weights_(std::move(class_weights)) {}

double Loss::divisor(const data::Batch& batch, int64_t classes) const {
  const int64_t B = batch.images.size(0);
  if (options_.kind == "bce") return static_cast<double>(options_.sum_classes ? B : B * classes);
  if (batch.targets || !class_weights_) return static_cast<double>(B);
  double sum = 0;
  for (int64_t label : batch.labels.span<int64_t>()) sum += class_weights_.data()[label];
  return sum;
}

// (count, classes), of which each loss has its own idea; smoothed
Tensor Loss::targets_of(const data::Batch& batch, int64_t begin, int64_t count, int64_t classes) const {
  const Tensor targets = batch.targets ? batch.targets.rows(begin, count).clone() : Tensor::empty({count, classes});
  if (!batch.targets) {
    const Tensor labels = batch.labels.rows(begin, count);
    image::mix_targets({}, labels.span<int64_t>(), classes, options_.smoothing, targets.data());
  }
  if (options_.kind == "bce" && options_.threshold >= 0) {
    for (float& target : targets.span()) target = target > static_cast<float>(options_.threshold) ? 1 : 0;
  }
  return targets;
}

void require_complex(const std::string& loss, bool has_complex_logits) {
  if (loss == "complex_cross_entropy" && !has_complex_logits)
    fail_usage(
        "loss complex_cross_entropy reads complex outputs, which this model does not have: train one of the family "
        "fccn with numbers complex, or take the loss cross_entropy");
}

Tensor Loss::operator()(const models::Model::TrainingOutput& output, const data::Batch& batch, int64_t begin,
                        double divisor) const {
  require_complex(options_.kind, static_cast<bool>(output.complex_logits));
  if (options_.kind == "complex_cross_entropy")
    return ops::complex_cross_entropy(output.complex_logits,
                                      targets_of(batch, begin, output.logits.size(0), output.logits.size(1)),
                                      {.phase_weight = options_.phase_weight, .divisor = divisor});
  Tensor loss = of_logits(output.logits, batch, begin, divisor);
  for (const auto& [logits, weight] : output.auxiliary)
    loss = ops::add(
        loss, ops::scale(of_logits(logits, batch, begin, divisor), Tensor::full({1}, static_cast<float>(weight))));
  return loss;
}

// logits (B, K) -> (1)
Tensor Loss::of_logits(const Tensor& logits, const data::Batch& batch, int64_t begin, double divisor) const {
  const int64_t count = logits.size(0);
  if (options_.kind == "bce")
    return ops::binary_cross_entropy(logits, targets_of(batch, begin, count, logits.size(1)), {.divisor = divisor});
  if (batch.targets) return ops::soft_cross_entropy(logits, batch.targets.rows(begin, count), {.divisor = divisor});
  return ops::cross_entropy(
      logits, batch.labels.rows(begin, count),
      {.smoothing = static_cast<float>(options_.smoothing), .class_weights = class_weights_, .divisor = divisor});
}

}  // namespace tessera::train
