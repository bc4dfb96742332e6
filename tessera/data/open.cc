#include "tessera/data/open.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "tessera/core/error.h"
#include "tessera/core/text.h"

namespace tessera::data {
namespace {

bool built_in(const Kind& kind) { return !kind.detect; }

// The name of the kind that a folder is of.
std::string detect(const std::filesystem::path& folder) {
  for (const std::string& name : registry().names()) {
    const Kind& kind = registry().at(name);
    if (!built_in(kind) && kind.detect(folder)) return name;
  }
  fail(
      "{}: no data set in this folder; it should hold CIFAR's .bin files, MNIST's idx files, or a folder of JPEG or "
      "PNG "
      "pictures for each class (also as train/CLASS and test/CLASS)",
      folder.string());
}

}  // namespace

const Registry& registry() {
  static const Registry all = [] {
    Registry registry;
    register_all(registry);
    return registry;
  }();
  return all;
}

DataSets open_data(const std::string& path_or_name, const std::vector<std::string>& settings,
                   const OpenOptions& options) {
  std::vector<std::string> names;
  for (const std::string& name : registry().names()) {
    if (built_in(registry().at(name))) names.push_back(name);
  }
  std::string name = path_or_name;
  std::filesystem::path folder;
  if (std::find(names.begin(), names.end(), name) == names.end()) {
    folder = path_or_name;
    std::error_code error;
    const auto status = std::filesystem::status(folder, error);
    if (!std::filesystem::exists(status)) {
      const std::string near = did_you_mean(path_or_name, names);
      fail("{}: no such folder{}", path_or_name,
           near.empty() ? fmt::format(", and no built-in data set ('{}') of that name", fmt::join(names, "', '"))
                        : near);
    }
    TESSERA_CHECK(std::filesystem::is_directory(status), "{}: a file, but data is read from a folder", path_or_name);
    name = detect(folder);
  }
  return registry().at(name).open(folder, settings, options);
}

}  // namespace tessera::data
