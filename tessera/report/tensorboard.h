// Event files for TensorBoard: RUN/tensorboard/events.out.tfevents.<seconds>.tessera. `tensorboard --logdir RUN` shows
// them.
//
// Tags: train/loss, train/learning_rate, train/gradient_norm, speed/images_per_second, speed/loader_images_per_second,
// and val/top1, val/top5, val/loss for each split ("val_ema" for averaged weights). Accuracies are fractions.
//
// A run that resumes cuts its earlier files back to the checkpoint's step, and begins a new file with a session start
// at the step after it: that makes a TensorBoard that is already open forget the steps that are done again.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tessera/report/append_file.h"
#include "tessera/train/observer.h"

namespace tessera::report {

class TensorBoard final : public train::Observer {
 public:
  // Of the steps, the first, the last and each `every`-th are written.
  explicit TensorBoard(int64_t every = 1) : every_(every) {}

  void on_start(const train::RunInfo& info) override;
  void on_step(const train::StepInfo& info) override;
  void on_eval(const train::EvalInfo& info) override;

 private:
  // Values that are not known (NaN) are left out.
  void write(int64_t step, const std::vector<std::pair<std::string, double>>& scalars);

  int64_t every_;
  std::optional<AppendFile> file_;
};

}  // namespace tessera::report
