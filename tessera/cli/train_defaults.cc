#include "tessera/cli/train_defaults.h"

#include <algorithm>
#include <cmath>

#include "tessera/cli/output.h"
#include "tessera/cli/train_model.h"
#include "tessera/train/tuning.h"

namespace tessera::cli {
namespace {

constexpr int64_t kEpochs = 5, kSteps = 200;  // at least, of fine-tuning
constexpr int64_t kValidations = 10;          // at most

// What suits AdamW: the fewer parameters, the larger their steps may be.
struct Rates {
  double lr, weight_decay, layer_decay;
};
Rates rates_of(const std::string& tune) {
  if (tune == "head") return {1e-2, 0, 1};
  if (tune == "norm_bias") return {3e-3, 0, 1};
  return {5e-4, 0.05, 0.75};
}

}  // namespace

void suit_photographs(const Options& options, const data::DataSet& set, image::Augmentation& augmentation) {
  if (typical_shape(set).height > 0) return;
  if (!options.is_set("random_resized_crop")) augmentation.random_resized_crop = true;
  if (!options.is_set("flip")) augmentation.flip = 0.5;
}

void suit_fine_tuning(const Options& options, const data::DataSets& sets, train::TrainOptions& train) {
  const auto suit = [&](const char* name, auto& member, auto value) {
    if (!options.is_set(name)) member = value;
  };
  if (train.optimizer == "adamw" || train.optimizer == "adam") {
    const Rates rates = rates_of(train.tune);
    suit("lr", train.lr, rates.lr);
    suit("weight_decay", train.weight_decay, rates.weight_decay);
    suit("layer_decay", train.layer_decay, rates.layer_decay);
  }
  suit("warmup", train.warmup, 0.1);
  suit("batch", train.batch, int64_t{32});
  if (train.length_given()) return;
  const double kept = sets.validation ? 1 : 1 - train.val_fraction;
  const auto steps = std::max<int64_t>(1, static_cast<int64_t>(kept * static_cast<double>(sets.train->size())) /
                                              std::min(train.batch, sets.train->size()));
  train.epochs = std::max(kEpochs, (kSteps + steps - 1) / steps);
  suit("eval_every", train.eval_every, (train.epochs + kValidations - 1) / kValidations);
}

std::string tuned_share(models::Model& model, const train::TrainOptions& train) {
  const std::set<std::string> tuned = train::tuned_parameters(model, train);
  int64_t count = 0;
  for (const nn::Parameter& parameter : model.parameters())
    if (tuned.contains(parameter.name)) count += parameter.tensor->numel();
  const int64_t all = model.num_parameters();
  return count == all ? "" : fmt::format("trains {} of {} parameters", grouped(count), grouped(all));
}

}  // namespace tessera::cli
