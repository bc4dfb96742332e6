#include "tessera/train/budget.h"

#include <algorithm>
#include <cmath>

namespace tessera::train {

namespace {

constexpr int64_t kMemory = 100;            // steps that the measured pace remembers
constexpr double kReserve = 0.005;          // of the budget, against what no measurement foresees
constexpr double kForwardOfStep = 1.0 / 3;  // of the time of a step, until an evaluation was measured

double evaluation_seconds(int64_t pictures, const Evaluations& evaluations, const Pace& pace) {
  const double guess = pace.step * kForwardOfStep / static_cast<double>(evaluations.batch);
  return static_cast<double>(pictures) * (pace.evaluation > 0 ? pace.evaluation : guess);
}

// A step and its share of the validations.
double seconds_per_step(const Evaluations& evaluations, const Pace& pace) {
  if (evaluations.steps_between == 0) return pace.step;
  return pace.step +
         evaluation_seconds(evaluations.pictures, evaluations, pace) / static_cast<double>(evaluations.steps_between);
}

bool is_revision(int64_t step, const Plan& plan) {
  const auto length = static_cast<double>(plan.length());
  const double before = plan.position(step - 1) / length, now = plan.position(step) / length;
  return std::any_of(std::begin(Budget::kRevisions), std::end(Budget::kRevisions),
                     [&](double point) { return before < point && point <= now; });
}

}  // namespace

void Pace::add_step(double seconds) {
  // The first step of all is a slow one: the second takes its place.
  const bool alone = steps <= 1;
  steps = std::min(steps + 1, kMemory);
  step = alone ? seconds : step + (seconds - step) / static_cast<double>(steps);
  fastest = alone ? seconds : std::min(fastest, seconds);
}

void Pace::add_evaluation(double seconds, int64_t pictures) {
  if (pictures > 0) evaluation = seconds / static_cast<double>(pictures);
}

double seconds_of(int64_t steps, const Evaluations& evaluations, const Pace& pace) {
  return static_cast<double>(steps) * seconds_per_step(evaluations, pace);
}

bool Budget::measured(int64_t step, double seconds) const {
  if (step == 0) return false;
  if (seconds >= seconds_ / 4) return true;
  return step >= kMeasuredSteps && seconds >= std::min(kMeasuredSeconds, kMeasuredShare * seconds_);
}

std::optional<Decision> Budget::decide(int64_t step, double seconds, const Plan& plan,
                                       const Pace& measured_pace) const {
  const bool first = plan.decisions().empty();
  if (first ? !measured(step, seconds) : step >= plan.total(step) || !is_revision(step, plan)) return std::nullopt;
  if (!first && plan.decisions().back().step == step) return std::nullopt;  // resumed here
  Pace pace = measured_pace;
  if (first) pace.step = pace.fastest;
  const double final_seconds = evaluation_seconds(evaluations_.final_pictures, evaluations_, pace);
  const double left = seconds_ * (1 - kReserve) - seconds - final_seconds;
  const double steps = std::floor(left / seconds_per_step(evaluations_, pace));
  // One step more at least: it brings the rate to its end.
  const Decision decision{step, step + static_cast<int64_t>(std::clamp(steps, 1.0, 1e12))};
  if (!first && decision.total == plan.total(step)) return std::nullopt;
  return decision;
}

}  // namespace tessera::train
