// What a person sees of a run: on a terminal one live line below the lines that stay, elsewhere plain lines now and
// then.
//
//   vit_lite_7_4 · 3.72 M parameters · cifar10: 45000 pictures, 352 steps of 128 an epoch
//   step 352: val top-1 45.1 %, top-5 91.0 %, loss 1.512 (3.20 s)
//   epoch 2/30 · step 380/10560 · loss 1.467 · val 45.1 % · 1.21 k pictures/s · rate 0.00031 · 18 min 12 s left
#pragma once

#include <cstdint>
#include <cstdio>
#include <functional>
#include <string>

#include "tessera/train/observer.h"

namespace tessera::report {

struct ProgressStyle {
  bool terminal = false;        // one live line, drawn over itself; else plain lines
  double seconds_between = -1;  // of two status lines; negative: 0.1 on a terminal, 10 elsewhere
  int columns = 0;              // 0: asks the terminal, again and again since windows change
  std::function<double()> now;  // seconds of a steady clock; empty: the system's
  // What else stands in the status line, last; empty: nothing.
  std::function<std::string(const train::StepInfo&)> more = {};
};

// Is the stream a terminal that understands control sequences?
bool is_terminal(std::FILE* out);

class Progress final : public train::Observer {
 public:
  // `out` stays the caller's. When it breaks (the terminal was closed) nothing more is written and nobody is told.
  Progress(std::FILE* out, ProgressStyle style);
  ~Progress() override;

  void on_start(const train::RunInfo& info) override;
  void on_step(const train::StepInfo& info) override;
  void on_eval(const train::EvalInfo& info) override;
  void on_decision(int64_t step, std::string_view name, std::string_view value) override;
  void on_message(train::Level level, std::string_view text) override;
  void on_finish(const train::RunSummary& summary) override;

 private:
  std::string status(size_t columns) const;
  void draw();                        // the live line, or a plain one
  void print(std::string_view line);  // a line that stays
  void write(std::string_view text);

  std::FILE* out_;
  ProgressStyle style_;
  int64_t steps_per_epoch_ = 0;
  train::StepInfo step_;
  std::string accuracy_;  // of the last evaluation
  double next_ = 0;       // when the status is due
  bool live_ = false;     // the live line is on the screen
  bool broken_ = false;
};

}  // namespace tessera::report
