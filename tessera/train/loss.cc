#include "tessera/train/loss.h"

#include <utility>

#include "tessera/image/mix.h"
#include "tessera/ops/binary_cross_entropy.h"
#include "tessera/ops/cross_entropy.h"

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

// (count, classes)
Tensor Loss::binary_targets(const data::Batch& batch, int64_t begin, int64_t count, int64_t classes) const {
  const Tensor targets = batch.targets ? batch.targets.rows(begin, count).clone() : Tensor::empty({count, classes});
  if (!batch.targets) {
    const Tensor labels = batch.labels.rows(begin, count);
    image::mix_targets({}, labels.span<int64_t>(), classes, options_.smoothing, targets.data());
  }
  if (options_.threshold >= 0) {
    for (float& target : targets.span()) target = target > static_cast<float>(options_.threshold) ? 1 : 0;
  }
  return targets;
}

Tensor Loss::operator()(const Tensor& logits, const data::Batch& batch, int64_t begin, double divisor) const {
  const int64_t count = logits.size(0);
  if (options_.kind == "bce")
    return ops::binary_cross_entropy(logits, binary_targets(batch, begin, count, logits.size(1)), {.divisor = divisor});
  if (batch.targets) return ops::soft_cross_entropy(logits, batch.targets.rows(begin, count), {.divisor = divisor});
  return ops::cross_entropy(
      logits, batch.labels.rows(begin, count),
      {.smoothing = static_cast<float>(options_.smoothing), .class_weights = class_weights_, .divisor = divisor});
}

}  // namespace tessera::train
