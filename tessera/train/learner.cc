#include "tessera/train/learner.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "tessera/ops/add.h"
#include "tessera/ops/scale.h"
#include "tessera/ops/tape.h"
#include "tessera/ops/training.h"
#include "tessera/train/adaptive_clip.h"
#include "tessera/train/clip.h"
#include "tessera/train/tuning.h"

namespace tessera::train {

namespace {

Tensor weighted(const Tensor& loss, double weight) {
  return ops::scale(loss, Tensor::full({1}, static_cast<float>(weight)));
}

}  // namespace

Learner::Learner(models::Model& model, const TrainOptions& options, Tensor class_weights, TeacherLogits teacher)
    : model_(model),
      seed_(options.seed()),
      precision_(ops::precision_named(options.precision)),
      parts_(options.accumulate),
      clip_(options.clip),
      adaptive_clip_(options.adaptive_clip),
      loss_(loss_options(options), std::move(class_weights)),
      distillation_(distillation_options(options)),
      teacher_(std::move(teacher)),
      parameters_(model, [tuned = tuned_parameters(model, options)](const auto& name) { return tuned.contains(name); }),
      optimizer_(make_optimizer(optimizer_options(options),
                                parameter_groups(model, parameters_, group_options(options)), parameters_.size())) {
  model_.set_recompute(options.recompute);
  if (options.ema > 0) ema_.emplace(ema_options(options), parameters_.values());
}

Tensor Learner::loss_of(const data::Batch& batch, int64_t begin, int64_t count, double divisor) {
  const Tensor images = batch.images.rows(begin, count);
  models::Model::TrainingOutput output = model_.forward_training(images);
  Tensor student = output.logits;  // that follows the teacher
  if (teacher_ && output.heads) student = output.heads->by_teacher, output.logits = output.heads->by_label;
  const Tensor loss = loss_(output, batch, begin, divisor);
  if (!teacher_) return loss;
  const Tensor distilled = distillation_loss(distillation_, student, teacher_(images), batch.images.size(0));
  return ops::add(weighted(loss, 1 - distillation_.alpha), weighted(distilled, distillation_.alpha));
}

Learner::Result Learner::learn(const data::Batch& batch, int64_t t, double lr) {
  const int64_t B = batch.images.size(0);
  const double divisor = loss_.divisor(batch, model_.num_classes());
  const ops::WithPrecision precision(precision_);
  parameters_.zero_grad();
  Result result;
  for (int64_t part = 0; part < parts_; ++part) {
    const int64_t begin = B * part / parts_, count = B * (part + 1) / parts_ - begin;
    if (count == 0) continue;
    const ops::TrainingState state(ops::Draws{seed_, static_cast<uint64_t>(t), static_cast<uint64_t>(begin)});
    const Tensor loss = loss_of(batch, begin, count, divisor);
    result.loss += loss.item();
    ops::backward(loss);
  }
  const Tensor& gradients = parameters_.gradients();
  result.gradient_norm = global_norm(gradients);
  result.finite = std::isfinite(result.loss) && std::isfinite(result.gradient_norm);
  if (!result.finite) return result;
  const bool adaptive = adaptive_clip_ > 0;
  if (adaptive) clip_adaptively(parameters_, gradients, adaptive_clip_);
  optimizer_->step(parameters_.values(), gradients, lr, adaptive ? 1 : clip_factor(result.gradient_norm, clip_),
                   ema_ ? &*ema_ : nullptr);
  return result;
}

void Learner::keep_average() {
  const Tensor& values = parameters_.values();
  std::copy_n(average().data(), values.numel(), values.data());
}

WithAverage::WithAverage(Learner& learner, bool averaged) {
  if (!averaged) return;
  values_ = learner.parameters().values();
  last_ = values_.clone();
  learner.keep_average();
}

WithAverage::~WithAverage() {
  if (values_) std::copy_n(last_.data(), last_.numel(), values_.data());
}

}  // namespace tessera::train
