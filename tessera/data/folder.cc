// Class folders of pictures: DIR/train/CLASS/FILE with DIR/test or DIR/val (or both), or DIR/CLASS/FILE,
// which is then split by a seed.
#include <fmt/core.h>

#include <algorithm>

#include "tessera/core/error.h"
#include "tessera/core/text.h"
#include "tessera/data/folder_scan.h"
#include "tessera/data/registry.h"
#include "tessera/data/split.h"
#include "tessera/image/decode.h"

namespace tessera::data {
namespace {

namespace fs = std::filesystem;

constexpr double kCorruptAllowed = 0.01;  // of a part's pictures

class Folder final : public DataSet {
 public:
  Folder(std::vector<PictureFile> files, std::vector<std::string> class_names, int64_t max_pixels)
      : files_(std::move(files)), names_(std::move(class_names)), max_pixels_(max_pixels) {}

  int64_t size() const override { return static_cast<int64_t>(files_.size()); }
  int64_t label(int64_t index) const override { return file(index).label; }
  const std::vector<std::string>& class_names() const override { return names_; }
  PictureShape picture_shape() const override { return {0, 0, 3}; }
  std::string name_of(int64_t index) const override { return file(index).path; }
  Sample get(int64_t index) const override { return get_part(index, {}); }
  Sample get_part(int64_t index, const image::Need& need) const override {
    const PictureFile& found = file(index);
    if (!found.decoded.pixels.empty()) return {found.decoded, found.label};
    return {image::decode_file(found.path, {.max_pixels = max_pixels_, .need = need}), found.label};
  }

 private:
  const PictureFile& file(int64_t index) const { return files_[static_cast<size_t>(index)]; }

  std::vector<PictureFile> files_;
  std::vector<std::string> names_;
  int64_t max_pixels_;
};

struct Settings {
  double test_fraction = 0.2;
  int64_t split_seed = 0, cache = 1024, max_pixels = image::kMaxPixels;
  std::string check = "full";

  void visit(Options& o) {
    o("test_fraction", test_fraction, "of each class, where the folder has no test part of its own")
        .at_least(0)
        .at_most(1);
    o("split_seed", split_seed, "which pictures these are").at_least(0);
    o("check", check, "before anything else: decode every file, or read its first bytes").one_of({"full", "header"});
    o("cache", cache, "MiB of decoded pictures to keep in memory (with check=full)").at_least(0);
    o("max_pixels", max_pixels, "of a picture; larger ones count as corrupt").at_least(1);
  }
};

// One part while it is being read.
struct Part {
  const char* role;  // "training", "validation" or "test"
  fs::path folder;
  std::vector<std::string> class_names;
  std::vector<PictureFile> files;
  std::vector<std::string> strays;
};

Part read_part(const char* role, const fs::path& folder) {
  ClassFolders found = scan_classes(folder);
  return {role, folder, std::move(found.class_names), std::move(found.files), std::move(found.strays)};
}

// The first of these names that is a folder below; empty if none is.
fs::path first_of(const fs::path& folder, const std::vector<const char*>& names) {
  for (const char* name : names) {
    if (fs::is_directory(folder / name)) return folder / name;
  }
  return {};
}

std::vector<std::string> missing(const std::vector<std::string>& names, const std::vector<std::string>& others) {
  std::vector<std::string> left;
  for (const std::string& name : names) {
    if (std::find(others.begin(), others.end(), name) == others.end()) left.push_back(name);
  }
  return left;
}

void check_same_classes(const Part& a, const Part& b) {
  const auto say = [](const std::vector<std::string>& names, const Part& in, const Part& out) {
    TESSERA_CHECK(names.empty(), "{}: no {} {}, which {} has; both sides need the same class folders",
                  out.folder.string(), names.size() == 1 ? "class" : "classes", list_some(names), in.folder.string());
  };
  say(missing(a.class_names, b.class_names), a, b);
  say(missing(b.class_names, a.class_names), b, a);
}

// One folder as two parts.
std::vector<Part> split_part(Part all, const Settings& settings) {
  std::vector<std::vector<int64_t>> classes(all.class_names.size());
  for (size_t i = 0; i < all.files.size(); ++i) {
    classes[static_cast<size_t>(all.files[i].label)].push_back(static_cast<int64_t>(i));
  }
  const SplitIndices split =
      split_indices(classes, settings.test_fraction, static_cast<uint64_t>(settings.split_seed), true);
  const auto take = [&](const std::vector<int64_t>& indices, const char* role) {
    Part part{role, all.folder, all.class_names, {}, {}};
    for (const int64_t i : indices) part.files.push_back(std::move(all.files[static_cast<size_t>(i)]));
    return part;
  };
  std::vector<Part> parts = {take(split.rest, "training"), take(split.part, "test")};
  parts[0].strays = std::move(all.strays);
  return parts;
}

// What the files of the needed parts turn out to be: leaves the corrupt ones out and says so.
void check_parts(std::vector<Part>& parts, const Settings& settings, const OpenOptions& options,
                 std::vector<std::string>& notes) {
  std::vector<PictureFile*> files;
  for (Part& part : parts) {
    for (PictureFile& file : part.files) files.push_back(&file);
  }
  check_files(files, {settings.check == "full", settings.max_pixels, settings.cache << 20}, options);
  for (Part& part : parts) {
    const size_t count = part.files.size();
    std::vector<std::string> errors;
    for (const PictureFile& file : part.files) {
      if (!file.error.empty()) errors.push_back(file.error);
    }
    if (errors.empty()) continue;
    const std::string corrupt = fmt::format("{} of {} pictures corrupt: {}", errors.size(), count, list_some(errors));
    TESSERA_CHECK(static_cast<double>(errors.size()) <= kCorruptAllowed * static_cast<double>(count),
                  "{}: {}; at most 1 % may be, so repair or remove them", part.folder.string(), corrupt);
    notes.push_back(fmt::format("{} part: {}; left out", part.role, corrupt));
    std::erase_if(part.files, [](const PictureFile& file) { return !file.error.empty(); });
  }
}

// A class folder of which nothing is left, or a split that left a class without a picture, is an error too.
void check_no_class_empty(const Part& part) {
  std::vector<int64_t> counts(part.class_names.size());
  for (const PictureFile& file : part.files) ++counts[static_cast<size_t>(file.label)];
  std::vector<std::string> empty;
  for (size_t k = 0; k < counts.size(); ++k) {
    if (counts[k] == 0) empty.push_back(part.class_names[k]);
  }
  TESSERA_CHECK(empty.empty(), "{}: no picture of {} {} for the {} part; add some or remove the class",
                part.folder.string(), empty.size() == 1 ? "class" : "classes", list_some(empty), part.role);
}

// Which folder is which part; empty: not there. What is held out and is the only such part is the test.
struct Layout {
  fs::path train, validation, test;
};

Layout find_parts(const fs::path& folder) {
  Layout layout{first_of(folder, {"train", "training"}), first_of(folder, {"val", "valid", "validation"}),
                first_of(folder, {"test", "testing"})};
  if (layout.test.empty()) layout.test.swap(layout.validation);
  return layout;
}

// The parts that are needed and there.
std::vector<Part> read_parts(const fs::path& folder, const Settings& settings, bool train) {
  const Layout layout = find_parts(folder);
  std::vector<Part> parts;
  if (layout.test.empty()) {
    parts = split_part(read_part("", layout.train.empty() ? folder : layout.train), settings);
    if (!train) parts.erase(parts.begin());
    std::erase_if(parts, [](const Part& part) { return part.files.empty(); });
    TESSERA_CHECK(!parts.empty() && (!train || parts.front().role == std::string("training")),
                  "{}: no {} pictures are left with --data-set test_fraction={}", folder.string(),
                  train ? "training" : "test", settings.test_fraction);
    return parts;
  }
  TESSERA_CHECK(!train || !layout.train.empty(), "{}: no 'train' folder beside '{}'", folder.string(),
                layout.test.filename().string());
  if (train) parts.push_back(read_part("training", layout.train));
  if (!layout.validation.empty()) parts.push_back(read_part("validation", layout.validation));
  parts.push_back(read_part("test", layout.test));
  for (const Part& part : parts) check_same_classes(parts.front(), part);
  return parts;
}

bool detect(const fs::path& folder) {
  return std::any_of(fs::directory_iterator(folder), fs::directory_iterator(), [](const fs::directory_entry& entry) {
    return entry.is_directory() && !entry.path().filename().string().starts_with('.');
  });
}

DataSets open(const fs::path& folder, const Settings& settings, const OpenOptions& options) {
  std::vector<Part> parts = read_parts(folder, settings, options.train);
  DataSets sets;
  std::vector<std::string> strays, counts;
  for (const Part& part : parts) strays.insert(strays.end(), part.strays.begin(), part.strays.end());
  if (!strays.empty()) {
    const char* files = strays.size() == 1 ? "file that is" : "files that are";
    sets.notes.push_back(
        fmt::format("passed over {} {} not JPEG, PNG, WebP, BMP or TIFF: {}", strays.size(), files, list_some(strays)));
  }
  check_parts(parts, settings, options, sets.notes);
  for (Part& part : parts) {
    check_no_class_empty(part);
    counts.push_back(fmt::format("{} {} pictures", part.files.size(), part.role));
    const std::string role = part.role;
    (role == "training" ? sets.train
     : role == "test"   ? sets.test
                        : sets.validation) =
        std::make_shared<Folder>(std::move(part.files), part.class_names, settings.max_pixels);
  }
  sets.what = fmt::format("class folders in {}: {} of {} classes", folder.string(), list_some(counts),
                          parts.front().class_names.size());
  return sets;
}

}  // namespace

void register_folder(Registry& registry) {
  registry.add("folder", kind_of<Settings>("a folder of pictures for each class", detect, open));
}

}  // namespace tessera::data
