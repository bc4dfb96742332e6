// The files of a run, but the checkpoint.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "tessera/train/trainer.h"

namespace tessera::train {

struct RunFolder {
  std::filesystem::path path;
  std::filesystem::path model() const { return path / "model.safetensors"; }
  std::filesystem::path best() const { return path / "best.safetensors"; }
  std::filesystem::path checkpoint() const { return path / "checkpoint.safetensors"; }
  std::filesystem::path decisions() const { return path / "decisions.json"; }
  std::filesystem::path record() const { return path / "run.json"; }
};

// Makes the folder. A UsageError where it holds a run already that is not to be resumed.
RunFolder open_run_folder(const std::filesystem::path& path, bool resume);

// One evaluation, as model files and run.json keep it.
struct Score {
  std::string split;  // "val", "test"
  bool ema = false;
  int64_t step = 0;
  double accuracy = 0, loss = 0;
};

// Writes the model's present weights with everything that is needed to use them. training: JSON of the options.
void save_model_file(const std::filesystem::path& path, const TrainJob& job, const std::string& training_options,
                     int64_t step, bool ema, const std::vector<Score>& scores);

// run.json: what people want to know of a run later. summary: none while it goes on.
void save_record(const std::filesystem::path& path, const RunInfo& info, const std::optional<RunSummary>& summary,
                 const std::vector<Score>& scores);

}  // namespace tessera::train
