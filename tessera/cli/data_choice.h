// Which data set a command is about: --data, changed by --data-set KEY=VALUE and cut down by --classes.
#pragma once

#include <string>
#include <vector>

#include "tessera/core/options.h"
#include "tessera/data/open.h"
#include "tessera/data/selection.h"

namespace tessera::cli {

struct DataChoice {
  std::string data;
  std::vector<std::string> data_set;
  data::Selection selection;

  void visit(Options& o, bool required = true);
  // All of the data. train: whether the training part is needed.
  data::DataSets open_whole(bool train) const;
  // What is chosen of it. seed: of the selection.
  data::DataSets open(bool train, uint64_t seed = 0) const { return data::select(open_whole(train), selection, seed); }
  // The part "train", "val" or "test"; an Error names those that there are.
  std::shared_ptr<const data::DataSet> part(const data::DataSets& sets, const std::string& split) const;
};

}  // namespace tessera::cli
