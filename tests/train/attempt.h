// A small run to try things with: a model, data, options, and an observer that remembers.
#pragma once

#include <atomic>
#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "tessera/core/file.h"
#include "tessera/train/trainer.h"
#include "tests/train/tiny_classifier.h"
#include "tests/train/tiny_data.h"

namespace tessera::train {

// Remembers what it is told, and does what the test asks after a step.
class Witness final : public Observer {
 public:
  void on_start(const RunInfo& info) override { started = info; }
  void on_step(const StepInfo& info) override {
    steps.push_back(info);
    if (after_step) after_step(info.step);
  }
  void on_eval(const EvalInfo& info) override {
    evaluations.push_back(info);
    evaluations.back().confusion = {};
    if (after_eval) after_eval(info);
  }
  void on_checkpoint(int64_t step, const std::filesystem::path&, bool) override { checkpoints.push_back(step); }
  void on_decision(int64_t step, std::string_view, std::string_view value) override {
    decisions.emplace_back(step, value);
  }
  void on_message(Level, std::string_view text) override { messages.emplace_back(text); }
  void on_finish(const RunSummary& summary) override { endings.push_back(summary.ending); }

  RunInfo started;
  std::vector<StepInfo> steps;
  std::vector<EvalInfo> evaluations;
  std::vector<int64_t> checkpoints;
  std::vector<std::pair<int64_t, std::string>> decisions;
  std::vector<std::string> messages;
  std::vector<Ending> endings;
  std::function<void(int64_t step)> after_step;
  std::function<void(const EvalInfo&)> after_eval;
};

inline TrainOptions quick_options() {
  TrainOptions options;
  options.epochs = 4;
  options.batch = 16;
  options.lr = 0.01;
  options.ema = 0.95;
  options.checkpoint_every = "7";
  options.loader_threads = 2;
  options.augmentation.crop_padding = 1;
  return options;
}

struct Attempt {
  explicit Attempt(const std::filesystem::path& folder) {
    job.model = &model;
    job.model_name = "tiny";
    job.data = test::tiny_data();
    job.preprocess.height = job.preprocess.width = 8;
    job.preprocess.crop_pct = 1;
    job.folder = folder;
    job.stop = &stop;
  }
  RunSummary run(const TrainOptions& options) { return train(job, options, witness); }

  test::TinyClassifier model;
  std::atomic<bool> stop = false;
  Witness witness;
  TrainJob job;
};

inline std::string bytes_of(const std::filesystem::path& path) { return read_text(path); }

inline std::string message_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const Error& e) {
    return e.what();
  }
  return "no error";
}

}  // namespace tessera::train
