// The runs of `tessera compare`: which there are, and what each is told.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "tessera/cli/registry.h"
#include "tessera/cli/train_choice.h"
#include "tessera/report/comparison.h"

namespace tessera::cli {

struct CompareOptions {
  std::vector<std::string> recipes;
  int64_t seeds = 1;
  std::vector<double> shares = {1};
  std::string out = "runs/compare";
  TrainChoice choice;

  void visit(Options& o);
  // What all runs have in common. A UsageError where no length is given.
  report::Terms terms() const;
};

// One way to train: a recipe, or a registered model with the defaults of `tessera train`.
struct Contender {
  std::string name;
  std::filesystem::path recipe;  // empty: the model of that name
};
// A UsageError for a word that is neither, and where two have one name.
std::vector<Contender> contenders(const std::vector<std::string>& words);

struct PlannedRun {
  Contender contender;
  double share = 1;
  int64_t seed = 0;
  std::string folder;  // below that of the comparison

  std::string name() const;  // "vit_cifar, 20 % of the pictures, seed 1"
};
// In their order: all ways once, at all shares, then with the next seed.
std::vector<PlannedRun> planned_runs(const CompareOptions& options);

// What one run is told: the command line over the recipe over the defaults.
struct RunOptions {
  RunOptions(const Arguments& arguments, const PlannedRun& run);
  RunOptions(const RunOptions&) = delete;  // `given` points into `values`
  RunOptions& operator=(const RunOptions&) = delete;

  CompareOptions values;
  Options given;
  TrainChoice& choice() { return values.choice; }
};

// The data of all runs, read once.
class SharedData {
 public:
  // What a run trains and is tested on.
  data::DataSets of(const TrainChoice& choice);

 private:
  std::map<std::string, data::DataSets> whole_;
};

}  // namespace tessera::cli
