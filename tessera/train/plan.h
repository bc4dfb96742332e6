// How many steps a run has, and where in its schedule each of them is: the decisions a run made, and nothing else.
#pragma once

#include <cstdint>
#include <vector>

namespace tessera::train {

// Made when `step` steps were done: the run ends after `total` steps.
struct Decision {
  int64_t step = 0;
  int64_t total = 0;
  bool operator==(const Decision&) const = default;
};

// A run of known length has one decision, made at step 0. A budget of minutes decides after a few steps and may revise
// that later: what is left of the schedule is then spread over the steps that are left, so that the rate has no jump
// and still reaches its end.
class Plan {
 public:
  Plan() = default;
  explicit Plan(std::vector<Decision> decisions);

  // Decisions come in the order of their steps; a total lies after its step and is never 0.
  void decide(Decision decision);
  const std::vector<Decision>& decisions() const { return decisions_; }

  // The last step as the decisions made up to `step` have it; 0 while there is none.
  int64_t total(int64_t step) const;
  // The length of the schedule that position() runs through: the first decision's total; 0 while there is none.
  int64_t length() const { return decisions_.empty() ? 0 : decisions_.front().total; }
  // Where update t = 0, 1, … stands in a schedule of length() updates: t itself where the first plan was kept from step
  // 0 on; 0 before the first decision. Later decisions do not change earlier positions.
  double position(int64_t t) const;

 private:
  std::vector<Decision> decisions_;
  std::vector<double> positions_;  // of each decision's step
};

}  // namespace tessera::train
