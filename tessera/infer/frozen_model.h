// A model in use: evaluation mode, weights that stay, classes ranked. What the classifiers of pictures and of sentences
// have in common.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "tessera/core/tensor.h"
#include "tessera/models/frozen_model.h"
#include "tessera/ops/precision.h"

namespace tessera::infer {

// One class that an input may have.
struct Guess {
  int64_t index = 0;
  std::string name;        // "class 7" where the model has no names
  double probability = 0;  // softmax over all classes, in double
};

struct Classification {
  std::vector<Guess> top;     // the most probable first; of equal ones the lower index
  std::vector<float> logits;  // (K)
};

// Copies share the model and what is kept of it. Every function is const and may be called from any thread.
class FrozenModel {
 public:
  // class_names: K, or none for "class 0" …
  FrozenModel(std::shared_ptr<models::Model> model, std::vector<std::string> class_names);
  // The same model, shared, whose products are of this type. An Error for bf16 where the machine has none.
  FrozenModel with_precision(ops::Precision precision) const;

  models::Model& model() const { return model_.model(); }
  int64_t num_classes() const { return model().num_classes(); }  // K; 0: the logits are features
  const std::vector<std::string>& class_names() const { return names_; }

  // What the model reads -> (B, K)
  Tensor logits(const Tensor& input) const;
  // logits (K) of one input -> its `top` best classes, all of them where K is less. Logits that are not finite are an
  // Error.
  Classification rank(std::span<const float> logits, int64_t top) const;
  // (B, K) -> B of them
  std::vector<Classification> rank_all(const Tensor& logits, int64_t top) const;

 private:
  models::FrozenModel model_;
  ops::Precision precision_ = ops::Precision::f32;
  std::vector<std::string> names_;
};

}  // namespace tessera::infer
