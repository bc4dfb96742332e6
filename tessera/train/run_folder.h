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

// run.json, read again.
struct RunRecord {
  std::string model = {};
  int64_t parameters = 0, macs = 0;  // macs: of one picture's forward pass
  std::string data = {};
  int64_t training_pictures = 0, batch = 0;
  std::string options_json = {};
  std::string ending =
      {};  // "finished", "stopped early", "interrupted", "failed"; empty while it goes on or was killed
  int64_t step = 0;
  double seconds = 0;  // trained
  std::vector<Score> scores = {};

  bool done() const { return ending == "finished" || ending == "stopped early"; }
};
// Nothing where there is no such file; an Error where it is something else.
std::optional<RunRecord> load_record(const std::filesystem::path& path);

}  // namespace tessera::train
