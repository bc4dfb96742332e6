// What training makes small: cross-entropy over the classes, binary cross-entropy of each class by itself, or the
// cross-entropy of complex-valued networks, which reads their outputs' phases too.
#pragma once

#include <string>

#include "tessera/data/batches.h"
#include "tessera/models/model.h"

namespace tessera::train {

struct LossOptions {
  std::string kind = "cross_entropy";  // "cross_entropy", "bce", "complex_cross_entropy"
  double smoothing = 0;                // of labels; mixed targets were smoothed when they were made
  // bce: above it a target counts as 1, else as 0; below 0: targets stay as they are
  double threshold = -1;
  bool sum_classes = false;  // bce: the sum over the classes, not their mean
  double phase_weight = 1;   // λ of complex_cross_entropy
};

// A UsageError where this loss reads complex outputs and the model has none.
void require_complex(const std::string& loss, bool has_complex_logits);

class Loss {
 public:
  // class_weights: (K), or undefined; of cross_entropy.
  explicit Loss(LossOptions options, Tensor class_weights = {});

  // What the loss of a whole batch is divided by, so that the losses of its parts sum to it.
  double divisor(const data::Batch& batch, int64_t classes) const;
  // Of the samples begin … begin + B - 1 of the batch, from its targets or, where these are undefined, its labels, and
  // with the auxiliary heads' -> (1). complex_cross_entropy of a model without complex outputs is a UsageError.
  Tensor operator()(const models::Model::TrainingOutput& output, const data::Batch& batch, int64_t begin,
                    double divisor) const;

 private:
  Tensor of_logits(const Tensor& logits, const data::Batch& batch, int64_t begin, double divisor) const;
  Tensor targets_of(const data::Batch& batch, int64_t begin, int64_t count, int64_t classes) const;

  LossOptions options_;
  Tensor class_weights_;
};

}  // namespace tessera::train
