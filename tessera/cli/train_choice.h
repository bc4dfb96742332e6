// What a run trains, on what and how: the options that `tessera train` has for its run and `tessera compare` for each
// of its runs, and the job that they make.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tessera/cli/data_choice.h"
#include "tessera/cli/model_choice.h"
#include "tessera/cli/train_model.h"
#include "tessera/report/progress.h"
#include "tessera/train/trainer.h"

namespace tessera::cli {

struct TrainChoice {
  DataChoice data;
  SourceChoice source;
  int64_t img_size = 0;
  std::string from, teacher;
  std::vector<std::string> preprocess;
  train::TrainOptions train;

  void visit_data(Options& o);  // data and model, but for the share of the pictures
  void visit_share(Options& o);
  // To be called once all is read: brings together what several options say, and refuses what cannot be before any
  // data is opened.
  void complete(const Options& given);
  SourceChoice sized() const;  // source, with img_size among its settings
  // Every value in force, as run.json has it.
  std::string json(Options::Stored stored = Options::Stored::all);
};

// A run that is ready but for its folder and its options_json.
struct PreparedRun {
  StartingPoint start;
  std::unique_ptr<train::Teacher> teacher;  // null: none
  train::TrainJob job;
};

// Defaults that depend on what is trained become part of the choice. sets: what it selects of its data.
void suit(TrainChoice& choice, const Options& given, const data::DataSets& sets);
// Of a choice that suits the sets.
PreparedRun prepare(const TrainChoice& choice, data::DataSets sets);

// Trains with a progress line in `style` and the logs and the report in the run's folder.
train::RunSummary train_with_observers(const train::TrainJob& job, const train::TrainOptions& options,
                                       report::ProgressStyle style = {});

}  // namespace tessera::cli
