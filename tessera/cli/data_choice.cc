#include "tessera/cli/data_choice.h"

#include "tessera/cli/output.h"
#include "tessera/core/error.h"
#include "tessera/report/progress.h"

namespace tessera::cli {

void DataChoice::visit(Options& o, bool required) {
  Option& option =
      o("data", data, "a folder (its kind is found out), or 'shapes', which is built in").placeholder("DATA");
  if (required) option.required();
  o("data_set", data_set, "a setting of the data set").placeholder("KEY=VALUE");
  o("classes", selection.classes, "the classes to keep, with commas between them; their order stays that of the data")
      .placeholder("NAME,…");
}

data::DataSets DataChoice::open_whole(bool train) const {
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

std::shared_ptr<const data::DataSet> DataChoice::part(const data::DataSets& sets, const std::string& split) const {
  const auto part = split == "test" ? sets.test : split == "val" ? sets.validation : sets.train;
  std::string there;
  for (const auto& [name, set] :
       {std::pair{"train", sets.train}, std::pair{"val", sets.validation}, std::pair{"test", sets.test}})
    if (set) there += fmt::format("{}{}", there.empty() ? "" : ", ", name);
  TESSERA_CHECK(part, "{}: this data set has no {} part; --split takes {}", data, split, there);
  return part;
}

}  // namespace tessera::cli
