// One page about a run, RUN/report.html, that needs nothing else: what was trained, its accuracies and curves, its
// classes and what they are taken for, its options and decisions. Light or dark as the reader's system is.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tessera/train/observer.h"

namespace tessera::report {

// The curves come from the run's metrics.jsonl (run_log.h), so list it after the RunLog. Written anew after
// evaluations, at most every ten seconds, and at the end.
class HtmlReport final : public train::Observer {
 public:
  void on_start(const train::RunInfo& info) override;
  void on_step(const train::StepInfo& info) override { step_ = info; }
  void on_eval(const train::EvalInfo& info) override;
  void on_finish(const train::RunSummary& summary) override;

 private:
  void write(const train::RunSummary* summary);

  train::RunInfo info_;
  train::StepInfo step_;
  std::string confusion_of_;  // the evaluation that gave confusion_, "test" for example
  std::vector<int64_t> confusion_;
  double next_ = 0;  // when the page may be written again, seconds of the steady clock
};

}  // namespace tessera::report
