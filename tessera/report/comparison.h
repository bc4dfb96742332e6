// Ways to train side by side: the results of their runs, each with several seeds, and what these say together, as a
// table, a picture and files.
//
//   results.jsonl   a line for each run: what the others are made of, and what a later comparison adds to
//   results.csv     the same as a table
//   compare.md      a row for each way: accuracy ± its spread over the seeds, parameters, operations, minutes
//   compare.svg     accuracy against each of these, or, with several shares of the pictures, against the share
//
// Accuracies are fractions, times seconds, operations multiply-accumulates.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "tessera/train/run_folder.h"

namespace tessera::report {

// What all runs of a comparison have in common, in words: two that differ in it do not belong together.
struct Terms {
  std::string data;    // "shapes --data-set size=16"
  std::string budget;  // "5 minutes"
  bool operator==(const Terms&) const = default;
};

struct ComparedRun {
  std::string recipe = {};
  double share = 1;  // of the training pictures
  int64_t seed = 0;
  std::string model = {};
  int64_t parameters = 0;
  int64_t macs = 0;               // of one picture's forward pass
  int64_t steps = 0;              // trained
  int64_t pictures = 0;           // in these steps
  int64_t training_pictures = 0;  // in an epoch
  double seconds = 0;             // trained, validations and test included
  std::string split = {};  // the part that accuracy and loss are of: "test", or "val" where the data has no other
  double accuracy = 0, loss = 0;
  std::string folder = {};  // of the run, below that of the comparison

  // train::kPasses times the forward pass of every picture
  double training_macs() const;
};

// Of a run that is done. An Error where it was not evaluated on anything.
ComparedRun compared_run(const train::RunRecord& record, const std::string& recipe, double share, int64_t seed,
                         const std::string& folder);

// One way to train at one share: all its runs.
struct Standing {
  std::string recipe = {};
  double share = 1;
  int64_t n = 0;         // runs
  double mean = 0;       // accuracy
  double deviation = 0;  // of a sample (divided by n - 1); NaN where n is 1
  std::string split = {};
  int64_t parameters = 0, macs = 0;
  double seconds = 0, pictures = 0, epochs = 0, training_macs = 0;  // means
};

struct Comparison {
  Terms terms;
  std::vector<ComparedRun> runs;

  // A run with the same recipe, share and seed is replaced.
  void add(ComparedRun run);
  const ComparedRun* find(const std::string& recipe, double share, int64_t seed) const;
  // In the order in which recipes first came; shares ascend.
  std::vector<Standing> standings() const;
};

// The columns of the table and the cells of each standing, as compare.md and the program print them.
std::vector<std::string> comparison_columns(const Comparison& comparison);
std::vector<std::vector<std::string>> comparison_rows(const Comparison& comparison);

std::string comparison_markdown(const Comparison& comparison);
std::string comparison_csv(const Comparison& comparison);
std::string comparison_svg(const Comparison& comparison);

// All four files, each completely or not at all.
void save_comparison(const std::filesystem::path& folder, const Comparison& comparison);
// From results.jsonl; without such a file an empty one. A broken line, or one of other terms, is an Error that names
// it.
Comparison load_comparison(const std::filesystem::path& folder);

}  // namespace tessera::report
