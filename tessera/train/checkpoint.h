// The whole state of a run in one safetensors file, from which it goes on to the same bits.
//
// Arrays: "model/NAME" of every parameter, "first_moment/NAME" and the like of the trainable ones, "ema/NAME". Metadata
// "tessera.run": one JSON object with the rest. All randomness is a function of (seed, purpose, step, sample), so the
// step is all that has to be kept of it, and of the place in the epoch.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "tessera/train/budget.h"
#include "tessera/train/learner.h"

namespace tessera::train {

struct Validation {
  int64_t step = 0;
  double accuracy = 0, loss = 0;
  bool operator==(const Validation&) const = default;
};

struct RunState {
  int64_t step = 0;    // done
  double seconds = 0;  // trained, over all resumes
  Plan plan;
  Pace pace;
  std::optional<Validation> last, best;
  int64_t without_progress = 0;  // validations since the best one
  int threads = 0;               // that computed
  bool stopped_early = false;
  bool finished = false;  // the model file is written and the test part was read
};

// What a checkpoint must agree with, so that going on makes sense.
struct RunIdentity {
  std::string architecture;    // JSON object
  std::string options;         // JSON object: Options::to_json(Stored::results)
  std::string data;            // JSON object: numbers of pictures, class names
  std::string teacher = "{}";  // JSON object: which one is learned from
};

// Atomic: the checkpoint before stays whole where this one fails. Refuses weights that are not finite.
void save_checkpoint(const std::filesystem::path& path, const RunIdentity& identity, const RunState& state,
                     Learner& learner);

// Fills model, optimiser and average. An Error of one line names the file and what is wrong with it: truncated, of
// another model (and what differs), of other options, of other data. Nothing is changed then.
RunState load_checkpoint(const std::filesystem::path& path, const RunIdentity& identity, Learner& learner);

// An option of the run that made a checkpoint; empty where it has none of this name.
std::string stored_option(const std::filesystem::path& path, const std::string& name);

// The decisions of a run, beside its checkpoint, for a replay (--schedule-from).
void save_decisions(const std::filesystem::path& path, const Plan& plan);
Plan load_decisions(const std::filesystem::path& path);

}  // namespace tessera::train
