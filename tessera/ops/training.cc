#include "tessera/ops/training.h"

#include <utility>

namespace tessera::ops {

namespace {
thread_local std::optional<Draws> current;
}

TrainingState::TrainingState(std::optional<Draws> draws) : before_(std::exchange(current, draws)) {}
TrainingState::~TrainingState() { current = before_; }

const std::optional<Draws>& current_training() { return current; }

}  // namespace tessera::ops
