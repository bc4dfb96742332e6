// A model whose weights do not change any more, to be asked: copies are kept of them, rearranged.
#pragma once

#include <memory>

#include "tessera/kernels/frozen.h"
#include "tessera/models/model.h"

namespace tessera::models {

// Copies share the model. Every function may be called from any thread at the same time as others.
class FrozenModel {
 public:
  explicit FrozenModel(std::shared_ptr<Model> model);

  Model& model() const { return *model_; }
  // In evaluation mode, without gradients, in the caller's precision. images (B, H, W, C), f32, normalised -> (B, K)
  Tensor logits(const Tensor& images) const;

 private:
  std::shared_ptr<Model> model_;
  std::shared_ptr<kernels::FrozenWeights> weights_;
};

}  // namespace tessera::models
