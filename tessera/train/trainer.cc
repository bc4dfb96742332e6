#include "tessera/train/trainer.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>

#include "tessera/core/parallel.h"
#include "tessera/data/batches.h"
#include "tessera/data/split.h"
#include "tessera/train/checkpoint.h"
#include "tessera/train/evaluate.h"
#include "tessera/train/run_folder.h"

namespace tessera::train {

namespace {

constexpr int64_t kDefaultEpochs = 10;

double machine_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

int loader_threads(const TrainOptions& options) {
  if (options.loader_threads > 0) return static_cast<int>(options.loader_threads);
  return static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
}

// Training and validation part, made of the training part where the data has no validation part of its own.
data::DataSets parts_of(data::DataSets sets, const TrainOptions& options) {
  if (sets.validation || options.val_fraction == 0) return sets;
  data::Split split = data::split_off(sets.train, options.val_fraction, options.seed());
  sets.train = std::move(split.rest);
  if (split.part->size() > 0) sets.validation = std::move(split.part);
  return sets;
}

data::LoaderOptions training_loader(const TrainJob& job, const TrainOptions& options, int64_t pictures) {
  data::LoaderOptions loader;
  loader.batch = std::min(options.batch, pictures);
  loader.threads = loader_threads(options);
  loader.seed = options.seed();
  loader.order = {.shuffle = true, .repeats = options.repeats, .balanced = options.balanced};
  loader.drop_last = true;
  loader.preprocess = job.preprocess;
  loader.augmentation = options.augmentation;
  loader.mixing = options.mixing;
  loader.smoothing = options.label_smoothing;
  return loader;
}

Tensor class_weights_of(const data::DataSet& set, const TrainOptions& options) {
  if (!options.class_weights) return {};
  const std::vector<float> weights = data::class_weights(set);
  return Tensor::from({static_cast<int64_t>(weights.size())}, weights);
}

void check_job(const TrainJob& job, const TrainOptions& options) {
  check(options);
  TESSERA_CHECK(job.model && job.data.train, "training needs a model and training pictures");
  const auto classes = static_cast<int64_t>(job.data.train->class_names().size());
  TESSERA_CHECK(classes == job.model->num_classes(), "the data has {} classes, but the model tells {} apart", classes,
                job.model->num_classes());
  const models::PictureSize size = job.model->input();
  TESSERA_CHECK(size.height == job.preprocess.height && size.width == job.preprocess.width &&
                    size.channels == job.preprocess.channels,
                "the model takes pictures of {} x {} x {}, but the preprocessing makes them {} x {} x {}", size.height,
                size.width, size.channels, job.preprocess.height, job.preprocess.width, job.preprocess.channels);
  if (options.patience > 0 && !job.data.validation && options.val_fraction == 0)
    fail_usage("patience needs a validation part: give val_fraction a value above 0");
}

class Run {
 public:
  Run(const TrainJob& job, const TrainOptions& options, Observer& observer)
      : job_(job),
        options_(options),
        observer_(observer),
        folder_(open_run_folder(job.folder, job.resume)),
        sets_(parts_of(job.data, options)),
        loader_(sets_.train, training_loader(job, options, sets_.train->size())),
        learner_(*job.model, options, class_weights_of(*sets_.train, options)),
        checkpoint_every_(checkpoint_every(options)) {}

  RunSummary run();

 private:
  RunSummary go();

  // What happens at the start.
  void describe();
  void resume();
  void plan();

  // What may happen between two steps, in this order.
  bool validation_due() const;
  bool validate();  // false: the stop flag came first
  void decide();
  void tell_decisions();
  bool over() const;
  bool save_due() const;
  void save();
  void step();

  RunSummary finish();
  RunSummary interrupted();
  Ending ending() const;  // of a run that is over
  RunSummary summary(Ending ending, std::string message) const;
  RunSummary end(Ending ending, std::string message);  // writes and tells it
  [[noreturn]] void diverged(const Learner::Result& result, double lr);

  std::optional<Score> score(const std::string& split, bool ema);
  Score score_of(const Validation& validation) const {
    return {"val", learner_.has_ema(), validation.step, validation.accuracy, validation.loss};
  }
  void tell_corrupt(const std::vector<std::string>& errors);
  bool stop_asked() const { return job_.stop && *job_.stop; }
  double now() const { return job_.seconds ? job_.seconds() : machine_seconds(); }
  void count_time();
  int64_t steps_per_epoch() const { return loader_.batches_per_epoch(); }
  int64_t epoch() const { return state_.step / steps_per_epoch(); }
  int64_t validate_every() const { return options_.eval_every * steps_per_epoch(); }

  const TrainJob& job_;
  const TrainOptions options_;
  Observer& observer_;
  const RunFolder folder_;
  const data::DataSets sets_;
  data::Loader loader_;
  Learner learner_;
  const CheckpointEvery checkpoint_every_;

  std::string options_json_;  // what comes out of the run depends on
  RunIdentity identity_;
  RunInfo info_;
  std::optional<Budget> budget_;
  Evaluations evaluations_;
  Schedule schedule_;
  int64_t scheduled_ = -1;  // the length that schedule_ is for
  std::vector<Score> scores_;
  std::set<std::string> told_;  // errors of pictures

  RunState state_;
  int64_t resumed_ = 0;      // step
  bool save_now_ = false;    // whatever checkpoint_every says
  int64_t saved_step_ = -1;  // of the checkpoint on the disk
  double saved_at_ = 0;      // by the clock
  double counted_ = 0;       // time up to here is in state_.seconds
  double lap_ = 0;           // the step began here
};

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
                   .dump()};
  const int64_t weights = learner_.has_ema() ? 2 : 1;
  evaluations_ = {.pictures = size_of(sets_.validation),
                  .steps_between = sets_.validation ? validate_every() : 0,
                  .final_pictures = size_of(sets_.validation) + weights * size_of(sets_.test),
                  .batch = options_.batch};
  info_.folder = folder_.path;
  info_.model = job_.model_name;
  info_.parameters = job_.model->num_parameters();
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
    const int64_t epochs = options_.epochs > 0 ? options_.epochs : kDefaultEpochs;
    state_.plan.decide({0, options_.steps > 0 ? options_.steps : epochs * steps_per_epoch()});
  }
}

RunSummary Run::run() {
  try {
    return go();
  } catch (const std::exception& error) {
    observer_.on_finish(summary(Ending::failed, error.what()));
    throw;
  }
}

RunSummary Run::go() {
  describe();
  resume();
  if (state_.finished) {
    if (learner_.has_ema()) learner_.keep_average();
    const RunSummary done = summary(ending(), "the run is finished already");
    observer_.on_finish(done);
    return done;
  }
  plan();
  info_.total_steps = state_.plan.total(state_.step);
  info_.resumed_step = state_.step;
  info_.seconds_trained = state_.seconds;
  observer_.on_start(info_);
  save_record(folder_.record(), info_, std::nullopt, {});
  loader_.start(epoch(), state_.step % steps_per_epoch());
  counted_ = saved_at_ = lap_ = now();
  // The checkpoint of the best weights comes before their file, so this may be what was missing.
  if (state_.best && state_.best->step == state_.step) save();
  for (;;) {
    if (validation_due() && !validate()) return interrupted();
    decide();
    tell_decisions();
    if (over()) return finish();
    if (save_due()) save();
    if (stop_asked()) return interrupted();
    step();
    if (state_.step % steps_per_epoch() == 0) tell_corrupt(loader_.corrupt());
  }
}

bool Run::validation_due() const {
  if (!sets_.validation || state_.step == 0 || (state_.last && state_.last->step == state_.step)) return false;
  return state_.step % validate_every() == 0 || state_.step == state_.plan.total(state_.step);
}

std::optional<Score> Run::score(const std::string& split, bool ema) {
  const auto& set = split == "val" ? sets_.validation : sets_.test;
  const double start = now();
  std::optional<Evaluation> evaluation;
  {
    std::optional<WithAverage> average;
    if (ema) average.emplace(learner_);
    evaluation =
        evaluate(*job_.model, set, data::evaluation_options(job_.preprocess, options_.batch, loader_threads(options_)),
                 job_.stop);
  }
  if (!evaluation) return std::nullopt;
  const double seconds = now() - start;
  const Metrics& metrics = evaluation->metrics;
  state_.pace.add_evaluation(seconds, metrics.count());
  tell_corrupt(evaluation->corrupt);
  observer_.on_eval({.step = state_.step,
                     .epoch = (state_.step - 1) / steps_per_epoch(),
                     .split = split,
                     .ema = ema,
                     .top1 = metrics.accuracy(),
                     .top5 = metrics.top(5),
                     .loss = metrics.loss(),
                     .seconds = seconds,
                     .confusion = metrics.confusion()});
  return Score{split, ema, state_.step, metrics.accuracy(), metrics.loss()};
}

void Run::tell_corrupt(const std::vector<std::string>& errors) {
  for (const std::string& error : errors)
    if (told_.insert(error).second)
      observer_.on_message(Level::warning, fmt::format("{}; the picture is left out ({} so far)", error, told_.size()));
}

bool Run::validate() {
  const std::optional<Score> result = score("val", learner_.has_ema());
  count_time();
  lap_ = now();
  if (!result) return false;
  state_.last = Validation{state_.step, result->accuracy, result->loss};
  const std::optional<Validation>& best = state_.best;
  const bool progress =
      !best || result->accuracy > best->accuracy || (result->accuracy == best->accuracy && result->loss < best->loss);
  if (progress) {
    state_.best = state_.last;
    save_now_ = true;
  }
  state_.without_progress = progress ? 0 : state_.without_progress + 1;
  state_.stopped_early = options_.patience > 0 && state_.without_progress >= options_.patience;
  return true;
}

void Run::decide() {
  if (!budget_) return;
  count_time();
  const auto decision = budget_->decide(state_.step, state_.seconds, state_.plan, state_.pace);
  if (!decision) return;
  state_.plan.decide(*decision);
  save_now_ = true;
}

void Run::tell_decisions() {
  if (resumed_ > 0 && state_.step == resumed_) return;  // the log has them
  for (const Decision& decision : state_.plan.decisions()) {
    if (decision.step != state_.step) continue;
    observer_.on_decision(state_.step, "total_steps", std::to_string(decision.total));
    save_decisions(folder_.decisions(), state_.plan);
  }
}

bool Run::over() const {
  return state_.stopped_early || (state_.step > 0 && state_.step == state_.plan.total(state_.step));
}

bool Run::save_due() const {
  if (save_now_) return true;
  if (state_.step == saved_step_ || state_.step == 0) return false;
  if (checkpoint_every_.steps > 0) return state_.step % checkpoint_every_.steps == 0;
  return checkpoint_every_.seconds > 0 && now() - saved_at_ >= checkpoint_every_.seconds;
}

void Run::save() {
  count_time();
  save_checkpoint(folder_.checkpoint(), identity_, state_, learner_);
  const bool best = state_.best && state_.best->step == state_.step;
  if (best) {
    std::optional<WithAverage> average;
    if (learner_.has_ema()) average.emplace(learner_);
    save_model_file(folder_.best(), job_, options_json_, state_.step, learner_.has_ema(), {score_of(*state_.best)});
  }
  save_now_ = false;
  saved_step_ = state_.step;
  saved_at_ = now();
  observer_.on_checkpoint(state_.step, folder_.checkpoint(), best);
}

void Run::step() {
  const data::Batch batch = *loader_.next();
  if (const int64_t length = state_.plan.length(); length != scheduled_) {
    schedule_ = schedule_options(options_, length);
    scheduled_ = length;
  }
  const double lr = schedule_.at(state_.plan.position(state_.step));
  const Learner::Result result = learner_.learn(batch, state_.step, lr);
  if (!result.finite) diverged(result, lr);
  ++state_.step;
  count_time();
  const double seconds = counted_ - std::exchange(lap_, counted_);
  // The first step after a start makes buffers and primitives that later ones find.
  if (state_.step > resumed_ + 1) state_.pace.add_step(seconds);
  const double pace = state_.pace.steps > 0 ? state_.pace.step : seconds;
  const int64_t total = state_.plan.total(state_.step);
  observer_.on_step(
      {.step = state_.step,
       .epoch = (state_.step - 1) / steps_per_epoch(),
       .total_steps = total,
       .loss = result.loss,
       .learning_rate = lr,
       .gradient_norm = result.gradient_norm,
       .images_per_second = pace > 0 ? static_cast<double>(batch.size()) / pace : kUnknown,
       .loader_images_per_second = loader_.pictures_per_second(),
       .seconds_trained = state_.seconds,
       .seconds_left = total > 0 ? seconds_of(total - state_.step, evaluations_, state_.pace) : kUnknown});
}

void Run::count_time() {
  const double time = now();
  state_.seconds += time - std::exchange(counted_, time);
}

RunSummary Run::finish() {
  if (saved_step_ != state_.step || save_now_) save();
  const bool ema = learner_.has_ema();
  if (state_.last) scores_ = {score_of(*state_.last)};
  const auto write_model = [&] {
    std::optional<WithAverage> average;
    if (ema) average.emplace(learner_);
    save_model_file(folder_.model(), job_, options_json_, state_.step, ema, scores_);
  };
  write_model();
  if (sets_.test) {
    for (const bool averaged : ema ? std::vector<bool>{false, true} : std::vector<bool>{false}) {
      const std::optional<Score> result = score("test", averaged);
      if (!result) return interrupted();
      scores_.push_back(*result);
    }
    write_model();
  }
  tell_corrupt(loader_.corrupt());
  state_.finished = true;
  save();
  if (ema) learner_.keep_average();
  return end(ending(), state_.stopped_early ? fmt::format("no progress in {} validations", options_.patience) : "");
}

RunSummary Run::interrupted() {
  if (saved_step_ != state_.step) save();
  return end(Ending::interrupted, fmt::format("saved at step {}", state_.step));
}

void Run::diverged(const Learner::Result& result, double lr) {
  const std::string kept = saved_step_ < 0
                               ? "no checkpoint was written yet"
                               : fmt::format("{} keeps step {}", folder_.checkpoint().string(), saved_step_);
  const std::string message = fmt::format(
      "the {} became {} at step {}, at learning rate {:.3g}: training stopped; {}; try a lower lr, a longer warmup or "
      "a "
      "smaller clip",
      std::isfinite(result.loss) ? "gradient" : "loss", std::isfinite(result.loss) ? result.gradient_norm : result.loss,
      state_.step + 1, lr, kept);
  save_record(folder_.record(), info_, summary(Ending::failed, message), scores_);
  throw Error(message);
}

Ending Run::ending() const { return state_.stopped_early ? Ending::stopped_early : Ending::finished; }

RunSummary Run::summary(Ending ending, std::string message) const {
  const bool done = ending == Ending::finished || ending == Ending::stopped_early;
  return {.ending = ending,
          .message = std::move(message),
          .step = state_.step,
          .epoch = epoch(),
          .seconds_trained = state_.seconds,
          .model_file = done ? folder_.model() : std::filesystem::path()};
}

RunSummary Run::end(Ending ending, std::string message) {
  const RunSummary last = summary(ending, std::move(message));
  save_record(folder_.record(), info_, last, scores_);
  observer_.on_finish(last);
  return last;
}

}  // namespace

RunSummary train(const TrainJob& job, const TrainOptions& options, Observer& observer) {
  check_job(job, options);
  if (options.threads > 0) set_num_threads(static_cast<int>(options.threads));
  return Run(job, options, observer).run();
}

}  // namespace tessera::train
