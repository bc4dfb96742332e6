#include "tessera/models/frozen_model.h"

#include "tessera/core/error.h"
#include "tessera/ops/frozen.h"
#include "tessera/ops/tape.h"
#include "tessera/ops/training.h"

namespace tessera::models {

FrozenModel::FrozenModel(std::shared_ptr<Model> model)
    : model_(std::move(model)), weights_(std::make_shared<kernels::FrozenWeights>()) {
  for (const nn::Parameter& parameter : model_->state())
    weights_->add({parameter.tensor->raw(), parameter.tensor->bytes()}, parameter.tensor->is_mapped());
}

Tensor FrozenModel::logits(const Tensor& images) const {
  const ops::NoGrad no_grad;
  const ops::Frozen frozen(*weights_);
  const ops::TrainingState evaluation(std::nullopt);
  const Tensor result = model_->forward(images);
  TESSERA_CHECK(
      result.rank() == 2,
      "this model gives {} where logits (B, K) are wanted: it needs a pooling and a classifier at its end (of "
      "a ViT another global_pool, such as avg)",
      to_string(result.shape()));
  return result;
}

}  // namespace tessera::models
