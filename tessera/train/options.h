// Everything that says how a model is trained. Each member is a flag and a key of a recipe (core/options.h).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tessera/core/options.h"
#include "tessera/image/augment.h"
#include "tessera/image/mix.h"
#include "tessera/train/distillation.h"
#include "tessera/train/ema.h"
#include "tessera/train/groups.h"
#include "tessera/train/loss.h"
#include "tessera/train/optimizer.h"
#include "tessera/train/schedule.h"

namespace tessera::train {

// A picture in training costs as much as so many in inference: forward, gradients of activations, of weights.
inline constexpr double kPasses = 3;

struct TrainOptions {
  // How long: at most one of them; 10 epochs where none is given.
  int64_t epochs = 0;
  int64_t steps = 0;
  double minutes = 0;
  double macs = 0;  // multiply-accumulates: kPasses times the model's, for every picture
  bool length_given() const { return epochs > 0 || steps > 0 || minutes > 0 || macs > 0; }

  int64_t batch = 128;     // pictures in a step
  int64_t accumulate = 1;  // parts that a batch is computed in, to save memory: the same result but for rounding
  std::string precision = "f32";
  bool recompute = false;  // of blocks: keep nothing within them, compute it again in backward
  uint64_t seed() const { return static_cast<uint64_t>(seed_value); }
  int64_t seed_value = 0;

  std::string optimizer = "adamw";
  double lr = 1e-3;
  double weight_decay = 0.05;
  std::string decayed = "weights";
  double beta1 = 0.9, beta2 = 0.999, eps = 1e-8;
  double momentum = 0.9;
  bool nesterov = false;
  bool amsgrad = false, caution = false, trust_clip = false, always_adapt = false;
  double clip = 1;
  double adaptive_clip = 0;
  double layer_decay = 1;
  std::string tune = "all";  // train/tuning.h
  std::vector<std::string> freeze;

  std::string schedule = "cosine";
  double warmup = 0.05;
  double warmup_lr = 0;
  double min_lr = 0;
  double step_every = 0.3;
  std::vector<double> milestones = {0.5, 0.75};
  double lr_factor = 0.1;
  double power = 1, k_decay = 1;
  int64_t cycles = 1;
  double cycle_growth = 1, cycle_decay = 1;
  Schedule::OneCycle one_cycle;

  std::string loss = "cross_entropy";
  double label_smoothing = 0;
  double bce_threshold = -1;
  bool bce_sum = false;
  double phase_weight = 1;
  std::string distill = "soft";
  double distill_alpha = 0.5, distill_temperature = 3;
  bool distill_over_classes = false;
  bool class_weights = false;
  bool balanced = false;
  int64_t repeats = 1;
  image::Augmentation augmentation;
  image::MixOptions mixing;

  double ema = 0;
  bool ema_warm_up = true;

  double val_fraction = 0.1;
  int64_t eval_every = 1;
  bool eval_flip = false;
  int64_t patience = 0;

  std::string checkpoint_every = "60s";
  int64_t threads = 0;
  int64_t loader_threads = 0;

  void visit(Options& o);
};

// Throws a UsageError where a value cannot be, or two of them cannot be together.
void check(const TrainOptions& options);

OptimizerOptions optimizer_options(const TrainOptions& options);
LossOptions loss_options(const TrainOptions& options);
DistillationOptions distillation_options(const TrainOptions& options);
GroupOptions group_options(const TrainOptions& options);
EmaOptions ema_options(const TrainOptions& options);
// For a run whose first plan has `total` steps: what is given as a share of the run becomes steps.
Schedule schedule_options(const TrainOptions& options, int64_t total);

// At least 1.
int loader_threads(const TrainOptions& options);

// When a run saves itself: after so many steps or so many seconds; 0: not for that reason.
struct CheckpointEvery {
  int64_t steps = 0;
  double seconds = 0;
};
// "200" or "60s"; "0" for only at the end and when interrupted.
CheckpointEvery checkpoint_every(const TrainOptions& options);

}  // namespace tessera::train
