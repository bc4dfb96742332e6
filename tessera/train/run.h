// The course of a run: what train() does.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tessera/data/batches.h"
#include "tessera/train/checkpoint.h"
#include "tessera/train/run_folder.h"
#include "tessera/train/trainer.h"

namespace tessera::train {

class Run {
 public:
  // job and options make sense together; job and observer outlive the run.
  Run(const TrainJob& job, const TrainOptions& options, Observer& observer);

  RunSummary run();

 private:
  RunSummary go();

  // What happens at the start.
  void describe();
  void resume();
  void plan();
  int64_t planned_steps() const;  // of a run whose length is known

  // What may happen between two steps, in this order.
  bool validation_due() const;
  bool validate();  // false: the stop flag came first
  void time_evaluation();
  void decide();
  void tell_decisions();
  bool over() const;
  bool best_is_here() const { return state_.best && state_.best->step == state_.step; }
  bool save_due() const;
  void save();
  void save_best();  // if the weights are the best
  void step();

  RunSummary finish();
  RunSummary interrupted();
  Ending ending() const;  // of a run that is over
  RunSummary summary(Ending ending, std::string message) const;
  RunSummary end(Ending ending, std::string message);  // writes and tells it
  [[noreturn]] void diverged(const Learner::Result& result, double lr);

  data::LoaderOptions training_loader() const;
  // Nothing where the stop flag came first.
  std::optional<Score> score(const std::string& split, bool ema);
  Score score_of(const Validation& validation) const {
    return {"val", learner_.has_ema(), validation.step, validation.accuracy, validation.loss};
  }
  void tell_corrupt(const std::vector<std::string>& errors);
  bool stop_asked() const { return job_.stop && *job_.stop; }
  double now() const;
  void count_time();  // until now
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
  int64_t resumed_ = 0;    // step
  bool save_now_ = false;  // whatever checkpoint_every says
  bool started_ = false;   // the observer was told
  bool evaluation_timed_ = false;
  int64_t saved_step_ = -1;  // of the checkpoint on the disk
  double saved_at_ = 0;      // by the clock
  double counted_ = 0;       // time up to here is in state_.seconds
  double lap_ = 0;           // the step began here
};

}  // namespace tessera::train
