#include "tessera/train/plan.h"

#include "tessera/core/error.h"

namespace tessera::train {

Plan::Plan(std::vector<Decision> decisions) {
  for (const Decision& decision : decisions) decide(decision);
}

void Plan::decide(Decision decision) {
  TESSERA_CHECK(decision.step >= (decisions_.empty() ? 0 : decisions_.back().step) && decision.total > decision.step,
                "plan: {} steps cannot be decided after step {}", decision.total, decision.step);
  const double at = position(decision.step);
  decisions_.push_back(decision);
  positions_.push_back(at);
}

int64_t Plan::total(int64_t step) const {
  int64_t total = 0;
  for (const Decision& decision : decisions_)
    if (decision.step <= step) total = decision.total;
  return total;
}

double Plan::position(int64_t t) const {
  size_t i = decisions_.size();
  while (i > 0 && decisions_[i - 1].step > t) --i;
  if (i == 0) return 0;
  const Decision& decision = decisions_[i - 1];
  // Multiplied first: exact where the first plan was kept from step 0 on.
  const double left = static_cast<double>(length()) - positions_[i - 1];
  return positions_[i - 1] +
         left * static_cast<double>(t - decision.step) / static_cast<double>(decision.total - decision.step);
}

}  // namespace tessera::train
