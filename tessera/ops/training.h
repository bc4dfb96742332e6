// Whether this thread is training, and what the randomness of dropout and drop path is a function of.
#pragma once

#include <cstdint>
#include <optional>

namespace tessera::ops {

// Dropout at one place draws from (seed, path of the layer, step, index of the sample in the whole batch, element).
struct Draws {
  uint64_t seed = 0;
  uint64_t step = 0;
  uint64_t first_sample = 0;  // of this part of the batch: parts of an accumulated batch draw what the whole would
  bool repeated = false;      // checkpoint() computes again: what a forward pass counts was counted already
};

// While one lives, this thread is in training mode (or, with nothing, in evaluation mode).
class TrainingState {
 public:
  explicit TrainingState(std::optional<Draws> draws);
  ~TrainingState();
  TrainingState(const TrainingState&) = delete;
  TrainingState& operator=(const TrainingState&) = delete;

 private:
  std::optional<Draws> before_;
};

// Nothing in evaluation mode, which is the default.
const std::optional<Draws>& current_training();

}  // namespace tessera::ops
