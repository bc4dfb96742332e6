// From minutes to steps: how long a run of given time will be, by the pace measured so far.
#pragma once

#include <cstdint>
#include <optional>

#include "tessera/train/plan.h"

namespace tessera::train {

// What a run's work has taken so far, in seconds; recent measurements count most.
struct Pace {
  double step = 0;        // one step, waiting for data and saving included
  double fastest = 0;     // step
  double evaluation = 0;  // of one picture; 0: not measured yet
  int64_t steps = 0;      // measured

  void add_step(double seconds);
  void add_evaluation(double seconds, int64_t pictures);
};

// The work that a run has besides its steps.
struct Evaluations {
  int64_t pictures = 0;        // in one validation
  int64_t steps_between = 0;   // validations
  int64_t final_pictures = 0;  // in the last validation and the test
  int64_t batch = 1;           // pictures in a training step
};

// The time of a run is that of its steps, its validations and its final test; it begins with the first step and
// includes neither the opening of the data nor the time between a stop and a resume.
class Budget {
 public:
  // seconds: of the whole run.
  Budget(double seconds, const Evaluations& evaluations) : seconds_(seconds), evaluations_(evaluations) {}

  // Decides once a few steps were measured, and again where the plan passes one of kRevisions. The first decision takes
  // the fastest step for the pace: a plan too long is shortened later, but one that is over cannot be made longer.
  // seconds: trained until now. Nothing where this step is no such moment.
  std::optional<Decision> decide(int64_t step, double seconds, const Plan& plan, const Pace& pace) const;

  // So many steps, and so much time but at most this share of the budget; a step that takes a quarter of it is enough.
  static constexpr int64_t kMeasuredSteps = 3;
  static constexpr double kMeasuredSeconds = 5, kMeasuredShare = 0.02;
  static constexpr double kRevisions[] = {0.02, 0.1, 0.25, 0.5, 0.75, 0.9, 0.97};  // of the schedule

 private:
  bool measured(int64_t step, double seconds) const;

  double seconds_;
  Evaluations evaluations_;
};

// The seconds that `steps` more steps will take, with their validations.
double seconds_of(int64_t steps, const Evaluations& evaluations, const Pace& pace);

}  // namespace tessera::train
