// Which data set a command is about: --data, changed by --data-set KEY=VALUE.
#pragma once

#include <string>
#include <vector>

#include "tessera/core/options.h"
#include "tessera/data/open.h"

namespace tessera::cli {

struct DataChoice {
  std::string data;
  std::vector<std::string> data_set;

  void visit(Options& o, bool required = true);
  // train: whether the training part is needed.
  data::DataSets open(bool train) const;
  // The part "train", "val" or "test"; an Error names those that there are.
  std::shared_ptr<const data::DataSet> part(const data::DataSets& sets, const std::string& split) const;
};

}  // namespace tessera::cli
