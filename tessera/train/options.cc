#include "tessera/train/options.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <thread>

#include "tessera/core/error.h"
#include "tessera/train/optimizers/registry.h"
#include "tessera/train/tuning.h"

namespace tessera::train {

void TrainOptions::visit(Options& o) {
  o.section("Length");
  o("epochs", epochs, "passes over the training pictures (10 where no length is given)").at_least(0);
  o("steps", steps, "steps, in place of epochs").at_least(0);
  o("minutes", minutes, "time, validations and the final test included, in place of epochs").at_least(0);
  o("macs", macs, "multiply-accumulates, three times the model's for each picture, in place of epochs").at_least(0);
  o("batch", batch, "pictures in a step").at_least(1);
  o("accumulate", accumulate, "parts that a batch is computed in, to save memory").at_least(1);
  o("precision", precision,
    "type of the products' operands; auto: bf16 where the machine is faster with it, asked once and kept with the run")
      .one_of({"f32", "bf16", "auto"});
  o("recompute", recompute, "keep nothing within blocks: much less memory, about a third more time, the same bits");
  o("seed", seed_value, "of weights, order, augmentation and dropout").at_least(0);

  o.section("Optimiser");
  o("optimizer", optimizer, "update rule").one_of(optimizers().names());
  o("lr", lr, "peak learning rate").above(0);
  o("weight_decay", weight_decay, "weight decay, times the learning rate").at_least(0);
  o("decayed", decayed, "what is decayed: weights alone, positions and tokens too, or everything")
      .one_of({"weights", "two_dimensional", "everything"});
  o("beta1", beta1, "memory of Adam's first moment, Lion's share of its momentum in a step").at_least(0).below(1);
  o("beta2", beta2, "memory of Adam's second moment, of Lion's momentum (0.99 in its paper)").at_least(0).below(1);
  o("eps", eps, "what Adam and LAMB add to the root of the second moment (LAMB's paper: 1e-6)").above(0);
  o("amsgrad", amsgrad, "Adam divides by the largest second moment so far");
  o("momentum", momentum, "memory of SGD, and of Muon (0.95 in its paper)").at_least(0).below(1);
  o("nesterov", nesterov, "SGD looks ahead along its momentum");
  o("caution", caution, "Lion leaves out steps against the gradient");
  o("trust_clip", trust_clip, "LAMB makes steps shorter, never longer");
  o("always_adapt", always_adapt, "LAMB adapts the steps of parameters that are not decayed, too");
  o("clip", clip, "largest norm of the gradient; 0: any").at_least(0);
  o("adaptive_clip", adaptive_clip, "in place of clip: largest norm of an output's gradient / of its weights; 0: off")
      .at_least(0);
  o("layer_decay", layer_decay, "factor of the learning rate from each layer to the one before").above(0).at_most(1);
  o("tune", tune, "what is trained: all, head (a linear probe), blocks:N (the last N) or norm_bias; the rest stays")
      .placeholder("all|head|blocks:N|norm_bias");
  o("freeze", freeze, "more parameters to leave as they are: names, beginnings of names, or patterns with *")
      .placeholder("NAME");

  o.section("Learning rate schedule (below 1: a share of the run, else steps)");
  o("schedule", schedule, "course of the learning rate")
      .one_of({"cosine", "linear", "poly", "step", "multi_step", "exponential", "one_cycle", "constant"});
  o("warmup", warmup, "length of the warm-up").at_least(0);
  o("warmup_lr", warmup_lr, "learning rate at the start of the warm-up").at_least(0);
  o("min_lr", min_lr, "learning rate at the end of cosine, linear and poly").at_least(0);
  o("step_every", step_every, "distance of the drops of step; in which exponential falls by the factor").above(0);
  o("milestones", milestones, "drops of multi_step").above(0);
  o("lr_factor", lr_factor, "what the learning rate is multiplied by at a drop").above(0).at_most(1);
  o("power", power, "of what is left, poly").above(0);
  o("k_decay", k_decay, "of what is done, cosine and poly: above 1 the rate stays high for longer").above(0);
  o("cycles", cycles, "periods of cosine: warm restarts").at_least(1).at_most(1000);
  o("cycle_growth", cycle_growth, "length of a period / that of the one before").above(0);
  o("cycle_decay", cycle_decay, "its peak / that of the one before").above(0).at_most(1);
  o("one_cycle_rise", one_cycle.rise, "share of the run until the peak of one_cycle, which has no other warm-up")
      .above(0)
      .below(1);
  o("one_cycle_start", one_cycle.start_divisor, "peak / first learning rate").at_least(1);
  o("one_cycle_final", one_cycle.final_divisor, "first / last learning rate").at_least(1);
  o("one_cycle_straight", one_cycle.straight, "lines in place of half cosines");
  o("one_cycle_three_phase", one_cycle.three_phase, "down as fast as up, then on to the last rate");

  o.section("Loss and data");
  o("loss", loss,
    "cross-entropy over the classes, binary cross-entropy of each class by itself, or cross-entropy of complex outputs "
    "(fccn)")
      .one_of({"cross_entropy", "bce", "complex_cross_entropy"});
  o("label_smoothing", label_smoothing, "share of the target that all classes get").at_least(0).below(1);
  o("bce_threshold", bce_threshold, "targets above it count as 1, others as 0, with bce; -1: they stay as they are")
      .at_least(-1)
      .below(1);
  o("bce_sum", bce_sum, "sum bce over the classes in place of their mean");
  o("phase_weight", phase_weight, "what the phase counts in complex_cross_entropy").at_least(0);
  o("distill", distill, "what a teacher is followed in: soft, its probabilities; hard, the class that it thinks best")
      .one_of({"soft", "hard"});
  o("distill_alpha", distill_alpha, "share of the teacher in the loss; the labels have the rest")
      .at_least(0)
      .at_most(1);
  o("distill_temperature", distill_temperature, "what soft divides both logits by").above(0);
  o("distill_over_classes", distill_over_classes,
    "soft is the mean over pictures and classes (DeiT's code), not over "
    "pictures (Hinton et al., timm)");
  o("class_weights", class_weights, "weigh the loss by class, so that rare classes count as much");
  o("balanced", balanced, "draw every class equally often");
  o("repeats", repeats, "augmentations of a picture in a row (repeated augmentation)").at_least(1);
  augmentation.visit(o);
  mixing.visit(o);

  o.section("Averaging and selection");
  o("ema", ema, "memory of the weights' moving average; 0: none").at_least(0).below(1);
  o("ema_warm_up", ema_warm_up, "let the average forget early weights faster");
  o("val_fraction", val_fraction, "share of the training pictures kept for validation where the data has no such part")
      .at_least(0)
      .below(1);
  o("eval_every", eval_every, "epochs between validations").at_least(1);
  o("eval_flip", eval_flip, "validate and test by the mean of the logits of each picture and its mirror image");
  o("patience", patience, "validations without progress after which training stops; 0: never").at_least(0);

  o.section("Running");
  o("checkpoint_every", checkpoint_every, "save the run after so many steps (200) or seconds (60s); 0: at the end only")
      .placeholder("STEPS|SECONDS")
      .local();
  o("threads", threads, "threads that compute; 0: one a core").at_least(0).local();
  o("loader_threads", loader_threads, "threads that read pictures; 0: as many as cores").at_least(0).local();
}

void check(const TrainOptions& options) {
  TrainOptions copy = options;
  Options declared;
  copy.visit(declared);
  declared.check_values("the training options");
  if ((options.epochs > 0) + (options.steps > 0) + (options.minutes > 0) + (options.macs > 0) > 1)
    fail_usage("epochs, steps, minutes and macs all say how long to train: give one of them");
  if (options.accumulate > options.batch)
    fail_usage("a batch of {} pictures cannot be computed in {} parts: lower accumulate", options.batch,
               options.accumulate);
  if (options.nesterov && options.momentum == 0) fail_usage("nesterov needs a momentum above 0");
  if (options.one_cycle.three_phase && options.one_cycle.rise > 0.5)
    fail_usage("one_cycle_three_phase goes up and down within the run: one_cycle_rise must be at most 0.5, not {}",
               options.one_cycle.rise);
  if (options.min_lr > options.lr) fail_usage("min_lr {} is above lr {}", options.min_lr, options.lr);
  if (options.class_weights && options.loss != "cross_entropy")
    fail_usage("class_weights is for the loss cross_entropy: use balanced to treat rare classes alike");
  if (options.class_weights && (options.mixing.mixup > 0 || options.mixing.cutmix > 0))
    fail_usage("class_weights does not go with mixup or cutmix: use balanced to treat rare classes alike");
  image::check(options.augmentation);
  check_tune(options.tune);
  checkpoint_every(options);
}

OptimizerOptions optimizer_options(const TrainOptions& options) {
  return {.kind = options.optimizer,
          .beta1 = options.beta1,
          .beta2 = options.beta2,
          .eps = options.eps,
          .amsgrad = options.amsgrad,
          .momentum = options.momentum,
          .nesterov = options.nesterov,
          .caution = options.caution,
          .trust_clip = options.trust_clip,
          .always_adapt = options.always_adapt};
}

LossOptions loss_options(const TrainOptions& options) {
  return {.kind = options.loss,
          .smoothing = options.label_smoothing,
          .threshold = options.bce_threshold,
          .sum_classes = options.bce_sum,
          .phase_weight = options.phase_weight};
}

DistillationOptions distillation_options(const TrainOptions& options) {
  return {.kind = options.distill,
          .alpha = options.distill_alpha,
          .temperature = options.distill_temperature,
          .over_classes = options.distill_over_classes};
}

GroupOptions group_options(const TrainOptions& options) {
  Decayed decayed = Decayed::weights;
  if (options.decayed == "two_dimensional") decayed = Decayed::two_dimensional;
  if (options.decayed == "everything") decayed = Decayed::everything;
  return {.weight_decay = options.weight_decay,
          .decayed = decayed,
          .layer_decay = options.layer_decay,
          .by_parameter = optimizers().at(options.optimizer).by_parameter};
}

EmaOptions ema_options(const TrainOptions& options) { return {.decay = options.ema, .warm_up = options.ema_warm_up}; }

Schedule schedule_options(const TrainOptions& options, int64_t total) {
  const auto in_steps = [&](double value) {
    return static_cast<int64_t>(std::llround(value < 1 ? value * static_cast<double>(total) : value));
  };
  Schedule schedule;
  schedule.kind = options.schedule;
  schedule.peak = options.lr;
  schedule.least = options.min_lr;
  schedule.total = total;
  schedule.warmup = options.schedule == "one_cycle" ? 0 : in_steps(options.warmup);
  schedule.warmup_start = options.warmup_lr;
  schedule.every = std::max<int64_t>(1, in_steps(options.step_every));
  for (double milestone : options.milestones) schedule.milestones.push_back(in_steps(milestone));
  schedule.factor = options.lr_factor;
  schedule.power = options.power;
  schedule.k_decay = options.k_decay;
  schedule.cycles = options.cycles;
  schedule.cycle_growth = options.cycle_growth;
  schedule.cycle_decay = options.cycle_decay;
  schedule.one_cycle = options.one_cycle;
  return schedule;
}

int loader_threads(const TrainOptions& options) {
  if (options.loader_threads > 0) return static_cast<int>(options.loader_threads);
  return static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
}

CheckpointEvery checkpoint_every(const TrainOptions& options) {
  const std::string& text = options.checkpoint_every;
  const bool seconds = !text.empty() && text.back() == 's';
  const char* end = text.data() + text.size() - (seconds ? 1 : 0);
  int64_t count = 0;
  const auto [stop, error] = std::from_chars(text.data(), end, count);
  if (error != std::errc() || stop != end || count < 0)
    fail_usage("checkpoint_every takes steps (200) or seconds (60s), not '{}'", text);
  if (seconds) return {.seconds = static_cast<double>(count)};
  return {.steps = count};
}

}  // namespace tessera::train
