// The model that a student learns from, besides the labels.
#pragma once

#include <memory>
#include <string>

#include "tessera/image/preprocess.h"
#include "tessera/models/frozen_model.h"

namespace tessera::train {

// Frozen and in evaluation mode. It sees the same augmented and mixed pictures as the student, as it is used to see
// them: with its own mean and standard deviation, gray or in colour, and resized to its own size by its own filter
// (where that is `nearest`, by `box`), the whole picture, whatever it would cut off in use.
class Teacher {
 public:
  // how: what the teacher's pictures are prepared with.
  Teacher(std::shared_ptr<models::Model> model, image::Preprocess how);

  int64_t num_classes() const { return model_.model().num_classes(); }
  // What its answers depend on: a digest of its architecture, preprocessing and weights.
  const std::string& identity() const { return identity_; }
  // images (B, H, W, C), as `student` normalised them -> (B, K), in the caller's precision
  Tensor logits(const Tensor& images, const image::Preprocess& student) const;

 private:
  Tensor as_seen(const Tensor& images, const image::Preprocess& student) const;

  models::FrozenModel model_;
  image::Preprocess how_;
  std::string identity_;
};

}  // namespace tessera::train
