// A model measured on a data set, with a line of progress on a terminal.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tessera/data/data_set.h"
#include "tessera/infer/classifier.h"
#include "tessera/train/metrics.h"

namespace tessera::cli {

struct Evaluation {
  train::Metrics metrics;
  std::vector<std::string> unreadable;  // why, for each picture left out
  std::vector<float> logits = {};       // (pictures, K), where they are kept
  std::vector<int64_t> labels = {};     // (pictures), likewise
};

struct EvaluateOptions {
  int64_t batch = 64;
  bool flip = false;         // by the mean of the logits of each picture and its mirror image
  bool keep_logits = false;  // and labels
};

// An Error where a model of so many classes, of these names (none: not known), and the data set do not have the same
// classes in the same order. `model` and `data` are what the user called them.
void check_classes(int64_t classes, const std::vector<std::string>& names, const std::string& model,
                   const data::DataSet& set, const std::string& data);

// Throws where no picture can be read.
Evaluation evaluate(const infer::Classifier& classifier, const std::shared_ptr<const data::DataSet>& set,
                    const EvaluateOptions& options);

}  // namespace tessera::cli
