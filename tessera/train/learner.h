// One step of training: forward, loss, backward, clipping, update, average. It knows nothing of runs, files and time.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "tessera/data/batches.h"
#include "tessera/models/model.h"
#include "tessera/ops/precision.h"
#include "tessera/train/distillation.h"
#include "tessera/train/ema.h"
#include "tessera/train/flat_parameters.h"
#include "tessera/train/loss.h"
#include "tessera/train/optimizer.h"
#include "tessera/train/options.h"

namespace tessera::train {

// What a teacher answers to pictures: images (B, H, W, C), as the model that learns sees them -> logits (B, K).
using TeacherLogits = std::function<Tensor(const Tensor& images)>;

class Learner {
 public:
  // Moves the model's parameters into flat buffers and keeps a reference to it. class_weights: (K), or undefined.
  // teacher: to be learned from besides the labels (train/distillation.h); empty: nobody.
  Learner(models::Model& model, const TrainOptions& options, Tensor class_weights = {}, TeacherLogits teacher = {});

  struct Result {
    double loss = 0;           // mean over the batch
    double gradient_norm = 0;  // before clipping
    bool finite = true;        // if not, nothing was changed
  };
  // Update t = 0, 1, … of the run at rate lr, from the batch's images and its targets, or, where these are undefined,
  // its labels. Dropout is a function of (seed, t, place in the batch).
  Result learn(const data::Batch& batch, int64_t t, double lr);

  models::Model& model() { return model_; }
  const FlatParameters& parameters() const { return parameters_; }
  Optimizer& optimizer() { return *optimizer_; }
  bool has_ema() const { return ema_.has_value(); }
  const Tensor& average() const { return ema_->average(); }  // flat; needs has_ema()
  void keep_average();                                       // the model's weights become the averaged ones

 private:
  // (1), of a part of a batch from sample `begin` on.
  Tensor loss_of(const data::Batch& batch, int64_t begin, int64_t count, double divisor);

  models::Model& model_;
  uint64_t seed_;
  ops::Precision precision_;
  int64_t parts_;
  double clip_, adaptive_clip_;
  Loss loss_;
  DistillationOptions distillation_;
  TeacherLogits teacher_;
  FlatParameters parameters_;
  std::unique_ptr<Optimizer> optimizer_;
  std::optional<Ema> ema_;
};

// While one lives, the model has the averaged weights (or, if not `averaged`, those it has).
class WithAverage {
 public:
  explicit WithAverage(Learner& learner, bool averaged = true);
  ~WithAverage();
  WithAverage(const WithAverage&) = delete;
  WithAverage& operator=(const WithAverage&) = delete;

 private:
  Tensor values_, last_;  // undefined where nothing is to be put back
};

}  // namespace tessera::train
