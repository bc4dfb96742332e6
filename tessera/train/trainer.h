// Trains a model on a data set: the run, from the first step or a checkpoint to the model file.
#pragma once

#include <atomic>
#include <filesystem>
#include <functional>
#include <string>

#include "tessera/data/data_set.h"
#include "tessera/image/preprocess.h"
#include "tessera/models/model.h"
#include "tessera/train/observer.h"
#include "tessera/train/options.h"
#include "tessera/train/teacher.h"

namespace tessera::train {

// What is trained, on what, and where the run keeps its files.
struct TrainJob {
  // Initialised, or filled from a file to be fine-tuned. Has as many classes as the data, and takes pictures of
  // `preprocess`'s size. At the end it holds the last (or, with `ema`, the averaged) weights.
  models::Model* model = nullptr;
  std::string model_name;  // for people
  data::DataSets data;
  image::Preprocess preprocess;
  const Teacher* teacher = nullptr;  // to be learned from besides the labels; null: nobody

  // The folder of the run, made where it is missing:
  //   model.safetensors       the last (or averaged) weights, for use
  //   best.safetensors        those of the best validation, where there is one
  //   checkpoint.safetensors  the state of the run
  //   decisions.json          what the run decided itself, for `schedule_from`
  //   run.json                options, results, machine and times
  // Only the last of these holds times, paths or the host.
  std::filesystem::path folder;
  // Goes on from the folder's checkpoint: to the same bits as a run that was never stopped, given the same machine,
  // number of threads and plan. Starts anew where there is none. Does nothing where the run is finished. Without it, a
  // folder that holds a run is refused.
  bool resume = false;
  // The folder of another run, whose decisions are taken in place of epochs, steps or minutes; empty: none.
  std::filesystem::path schedule_from;
  // Becomes true when the run should save itself and end. Looked at after every step. May be null.
  const std::atomic<bool>* stop = nullptr;

  std::string options_json;         // all options of the program, for run.json and observers; empty: those of training
  std::function<double()> seconds;  // a clock that never goes back; empty: the machine's
};

// Refuses what cannot be, as train() does before it begins.
void check(const TrainJob& job, const TrainOptions& options);

// Selection (best weights, early stopping) looks at a validation part only: the data's own, or, where it has none,
// `val_fraction` of its training part. The test part is read once, after the last step, with the last and the averaged
// weights. Reports everything to the observer and prints nothing.
//
// Errors: a UsageError for options that cannot be; an Error where the loss becomes NaN or infinite (the last checkpoint
// stays), where files cannot be written, or where the checkpoint belongs to something else.
RunSummary train(const TrainJob& job, const TrainOptions& options, Observer& observer);

}  // namespace tessera::train
