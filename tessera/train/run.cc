#include "tessera/train/run.h"

#include <chrono>
#include <cmath>
#include <utility>

#include "tessera/ops/tape.h"
#include "tessera/train/evaluate.h"

namespace tessera::train {

RunSummary Run::run() {
  try {
    return go();
  } catch (const std::exception& error) {
    if (started_) observer_.on_finish(summary(Ending::failed, error.what()));
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
  started_ = true;
  save_record(folder_.record(), info_, std::nullopt, {});
  loader_.start(epoch(), state_.step % steps_per_epoch());
  counted_ = saved_at_ = lap_ = now();
  save_best();  // comes after its checkpoint, so a kill may have left it out
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
    const WithAverage average(learner_, ema);
    evaluation =
        evaluate(*job_.model, set, data::evaluation_options(job_.preprocess, options_.batch, loader_threads(options_)),
                 job_.stop, options_.eval_flip);
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

// The final test may be most of a short budget: a forward pass tells its pace before the length is decided.
void Run::time_evaluation() {
  if (std::exchange(evaluation_timed_, true) || state_.pace.evaluation > 0) return;
  const auto [H, W, C] = job_.model->input();
  const Tensor images = Tensor::zeros({info_.batch, H, W, C});
  const ops::NoGrad no_grad;
  const double begin = now();
  job_.model->forward(images);  // makes primitives and touches memory
  const double start = now();
  job_.model->forward(images);
  const double end = now();
  state_.pace.add_evaluation((options_.eval_flip ? 2 : 1) * (end - start), info_.batch);
  lap_ += end - begin;  // no time of a step
}

void Run::decide() {
  if (!budget_) return;
  if (state_.step > 0) time_evaluation();
  count_time();
  const auto decision = budget_->decide(state_.step, state_.seconds, state_.plan, state_.pace);
  if (!decision) return;
  state_.plan.decide(*decision);
  save_now_ = true;
}

void Run::tell_decisions() {
  if (resumed_ > 0 && state_.step == resumed_) return;  // the log has them
  if (state_.step == 0 && options_.precision != "f32") observer_.on_decision(0, "precision", options_.precision);
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
  save_best();
  save_now_ = false;
  saved_step_ = state_.step;
  saved_at_ = now();
  observer_.on_checkpoint(state_.step, folder_.checkpoint(), best_is_here());
}

void Run::save_best() {
  if (!best_is_here()) return;
  const WithAverage average(learner_, learner_.has_ema());
  save_model_file(folder_.best(), job_, options_json_, state_.step, learner_.has_ema(), {score_of(*state_.best)});
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
  const bool warming_up = state_.step == resumed_ + 1;  // makes the buffers and primitives that later steps find
  if (!warming_up || state_.pace.steps == 0) state_.pace.add_step(seconds);
  const double pace = state_.pace.step;
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

double Run::now() const {
  if (job_.seconds) return job_.seconds();
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
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
    const WithAverage average(learner_, ema);
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
  count_time();
  // Before the checkpoint says so: whoever kills the run between leaves none that is finished and has no results.
  save_record(folder_.record(), info_, summary(ending(), ""), scores_);
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
  const double value = std::isfinite(result.loss) ? result.gradient_norm : result.loss;
  const std::string message = fmt::format(
      "the {} became {} at step {}, at learning rate {:.3g}: training stopped; {}; try a lower lr, a longer warmup or "
      "a smaller clip",
      std::isfinite(result.loss) ? "gradient" : "loss", std::isnan(value) ? "NaN" : "infinite", state_.step + 1, lr,
      kept);
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

}  // namespace tessera::train
