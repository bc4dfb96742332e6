#include "tessera/cli/data_choice.h"

#include "tessera/cli/output.h"
#include "tessera/report/progress.h"

namespace tessera::cli {

void DataChoice::visit(Options& o) {
  o("data", data, "a folder (its kind is found out), or 'shapes', which is built in").placeholder("DATA").required();
  o("data_set", data_set, "a setting of the data set").placeholder("KEY=VALUE");
}

data::DataSets DataChoice::open(bool train) const {
  data::OpenOptions options;
  options.train = train;
  const bool live = report::is_terminal(stderr);
  if (live)
    options.progress = [](int64_t done, int64_t total) {
      fmt::print(stderr, "\rchecked {} of {} pictures", done, total);
    };
  data::DataSets sets = data::open_data(data, data_set, options);
  if (live) fmt::print(stderr, "\r\x1b[K");
  return sets;
}

}  // namespace tessera::cli
