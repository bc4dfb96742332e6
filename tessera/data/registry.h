// The kinds of data sets. A new kind is one file that defines `void register_<file>(Registry&)`; see
// docs/add-a-dataset.md.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "tessera/core/options.h"
#include "tessera/core/registry.h"
#include "tessera/data/data_set.h"

namespace tessera::data {

struct OpenOptions {
  bool train = true;  // false: the training part is not needed (evaluation) and may be null
  int threads = 0;    // for checking files; 0: as many as parallel loops use
  // How far a long check of the files has come. Called from the thread that opens.
  std::function<void(int64_t done, int64_t total)> progress;
};

struct Kind {
  std::string help;  // one line: what it reads
  // Whether a folder is of this kind, from its layout alone. Null for a built-in set, which is opened by its name.
  std::function<bool(const std::filesystem::path& folder)> detect;
  // Reads headers and checks them. A built-in set gets an empty path. `settings`: "size=64" and the like.
  std::function<DataSets(const std::filesystem::path& folder, const std::vector<std::string>& settings,
                         const OpenOptions&)>
      open;
  std::function<std::string()> settings_help;
};

// A kind whose settings are a struct with visit(Options&).
template <class Settings>
Kind kind_of(std::string help, std::function<bool(const std::filesystem::path&)> detect,
             DataSets (*open)(const std::filesystem::path& folder, const Settings&, const OpenOptions&)) {
  Kind kind;
  kind.help = std::move(help);
  kind.detect = std::move(detect);
  kind.open = [open](const std::filesystem::path& folder, const std::vector<std::string>& pairs,
                     const OpenOptions& how) {
    Settings settings;
    Options options;
    settings.visit(options);
    options.set_pairs(pairs, "--data-set");
    return open(folder, settings, how);
  };
  kind.settings_help = [] {
    Settings settings;
    Options options;
    settings.visit(options);
    return options.help();
  };
  return kind;
}

struct Registry : NamedRegistry<Kind> {
  Registry() : NamedRegistry("kind of data set") {}
};

void register_all(Registry& registry);  // generated

const Registry& registry();

}  // namespace tessera::data
