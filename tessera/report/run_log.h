// The log of a run on disk, in two forms:
//
//   metrics.jsonl  everything the run told, one JSON object a line, each with "event" and "step":
//                  start, step, eval, checkpoint, decision, message, finish. Numbers that are not known are null.
//   metrics.csv    the numbers alone, a row for each step and evaluation ("split": train, val, val_ema, test …);
//   unknown: empty.
//
// Accuracies are fractions, times seconds. Each line is with the system once it is told; a resumed run cuts both files
// back to the step of its checkpoint, so that the log of a run that was killed and resumed is that of one that was not.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "tessera/report/append_file.h"
#include "tessera/train/observer.h"

namespace tessera::report {

// "val", or "val_ema" for the averaged weights.
std::string series_name(const train::EvalInfo& info);

class RunLog final : public train::Observer {
 public:
  // Of the steps, the first, the last and each `every`-th are kept.
  explicit RunLog(int64_t every = 1) : every_(every) {}

  void on_start(const train::RunInfo& info) override;
  void on_step(const train::StepInfo& info) override;
  void on_eval(const train::EvalInfo& info) override;
  void on_checkpoint(int64_t step, const std::filesystem::path& path, bool best) override;
  void on_decision(int64_t step, std::string_view name, std::string_view value) override;
  void on_message(train::Level level, std::string_view text) override;
  void on_finish(const train::RunSummary& summary) override;

 private:
  void write(const nlohmann::ordered_json& line);

  int64_t every_;
  int64_t step_ = 0;  // of the last event
  std::optional<AppendFile> json_, csv_;
};

// Calls `visit` for each whole line of a metrics.jsonl, up to the first that is broken. No file: no calls.
void read_log(const std::filesystem::path& path, const std::function<void(const nlohmann::json& line)>& visit);

}  // namespace tessera::report
