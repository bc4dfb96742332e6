// How a run begins: from its options, or from its checkpoint.
#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "tessera/core/parallel.h"
#include "tessera/data/split.h"
#include "tessera/train/run.h"

namespace tessera::train {

namespace {

constexpr int64_t kDefaultEpochs = 10;

// Training and validation part, made of the training part where the data has no validation part of its own.
data::DataSets parts_of(data::DataSets sets, const TrainOptions& options) {
  if (sets.validation || options.val_fraction == 0) return sets;
  data::Split split = data::split_off(sets.train, options.val_fraction, options.seed());
  sets.train = std::move(split.rest);
  if (split.part->size() > 0) sets.validation = std::move(split.part);
  return sets;
}

Tensor class_weights_of(const data::DataSet& set, const TrainOptions& options) {
  if (!options.class_weights) return {};
  const std::vector<float> weights = data::class_weights(set);
  return Tensor::from({static_cast<int64_t>(weights.size())}, weights);
}

TeacherLogits teacher_of(const TrainJob& job) {
  if (!job.teacher) return {};
  return [&job](const Tensor& images) { return job.teacher->logits(images, job.preprocess); };
}

}  // namespace

Run::Run(const TrainJob& job, const TrainOptions& options, Observer& observer)
    : job_(job),
      options_(options),
      observer_(observer),
      folder_(open_run_folder(job.folder, job.resume)),
      sets_(parts_of(job.data, options)),
      loader_(sets_.train, training_loader()),
      learner_(*job.model, options, class_weights_of(*sets_.train, options), teacher_of(job)),
      checkpoint_every_(checkpoint_every(options)) {}

data::LoaderOptions Run::training_loader() const {
  data::LoaderOptions loader;
  loader.batch = std::min(options_.batch, sets_.train->size());
  loader.threads = loader_threads(options_);
  loader.seed = options_.seed();
  loader.order = {.shuffle = true, .repeats = options_.repeats, .balanced = options_.balanced};
  loader.drop_last = true;
  loader.preprocess = job_.preprocess;
  loader.augmentation = options_.augmentation;
  loader.mixing = options_.mixing;
  loader.smoothing = options_.label_smoothing;
  return loader;
}

void Run::describe() {
  TrainOptions copy = options_;
  Options declared;
  copy.visit(declared);
  options_json_ = declared.to_json(Options::Stored::results);
  const auto size_of = [](const auto& set) { return set ? set->size() : int64_t{0}; };
  identity_ = {job_.model->architecture(), options_json_,
               nlohmann::json{{"training_pictures", sets_.train->size()},
                              {"validation_pictures", size_of(sets_.validation)},
                              {"class_names", sets_.train->class_names()}}
                   .dump(),
               nlohmann::json{{"teacher", job_.teacher ? job_.teacher->identity() : "none"}}.dump()};
  const int64_t weights = learner_.has_ema() ? 2 : 1;
  evaluations_ = {.pictures = size_of(sets_.validation),
                  .steps_between = sets_.validation ? validate_every() : 0,
                  .final_pictures = size_of(sets_.validation) + weights * size_of(sets_.test),
                  .batch = options_.batch};
  info_.folder = folder_.path;
  info_.model = job_.model_name;
  info_.parameters = job_.model->num_parameters();
  info_.macs = job_.model->macs();
  info_.data = sets_.what;
  info_.class_names = sets_.train->class_names();
  info_.training_pictures = loader_.pictures_per_epoch();
  info_.batch = std::min(options_.batch, sets_.train->size());
  info_.steps_per_epoch = steps_per_epoch();
  info_.options_json = job_.options_json.empty() ? declared.to_json() : job_.options_json;
}

void Run::resume() {
  if (!job_.resume || !exists(folder_.checkpoint())) return;
  state_ = load_checkpoint(folder_.checkpoint(), identity_, learner_);
  resumed_ = saved_step_ = state_.step;
  if (state_.threads != num_threads())
    observer_.on_message(Level::warning, fmt::format("the run began with {} threads and goes on with {}: its last bits "
                                                     "will differ from those of an unbroken run",
                                                     state_.threads, num_threads()));
}

void Run::plan() {
  state_.threads = num_threads();
  if (options_.minutes > 0) budget_.emplace(60 * options_.minutes, evaluations_);
  if (!job_.schedule_from.empty()) budget_.reset();
  if (!state_.plan.decisions().empty()) return;
  if (!job_.schedule_from.empty()) {
    state_.plan = load_decisions(RunFolder{job_.schedule_from}.decisions());
  } else if (!budget_) {
    state_.plan.decide({0, planned_steps()});
  }
}

int64_t Run::planned_steps() const {
  if (options_.steps > 0) return options_.steps;
  if (options_.macs > 0) {
    TESSERA_CHECK(info_.macs > 0, "the model '{}' does not tell its operations: train for so many epochs, not macs",
                  info_.model);
    const double of_a_step = kPasses * static_cast<double>(info_.macs * info_.batch);
    return static_cast<int64_t>(std::clamp(std::floor(options_.macs / of_a_step), 1.0, 1e12));
  }
  return (options_.epochs > 0 ? options_.epochs : kDefaultEpochs) * steps_per_epoch();
}

}  // namespace tessera::train
