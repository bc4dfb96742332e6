#include "tessera/data/cifar.h"

#include <fmt/core.h>

#include <algorithm>

#include "tessera/core/error.h"
#include "tessera/core/file.h"
#include "tessera/core/text.h"
#include "tessera/data/registry.h"

namespace tessera::data {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kSide = 32, kPixels = kSide * kSide;

class Cifar final : public DataSet {
 public:
  Cifar(const std::vector<fs::path>& files, CifarLabels labels, std::vector<std::string> class_names, std::string part)
      : label_bytes_(labels == CifarLabels::ten ? 1 : 2),
        label_byte_(labels == CifarLabels::fine ? 1 : 0),
        names_(std::move(class_names)),
        part_(std::move(part)) {
    for (const fs::path& file : files) add(file);
  }

  int64_t size() const override { return static_cast<int64_t>(records_.size()); }
  int64_t label(int64_t index) const override { return std::to_integer<int64_t>(record(index)[label_byte_]); }
  const std::vector<std::string>& class_names() const override { return names_; }
  PictureShape picture_shape() const override { return {kSide, kSide, 3}; }
  std::string name_of(int64_t index) const override { return fmt::format("{} {}", part_, index); }

  Sample get(int64_t index) const override {
    Sample sample{image::Picture(kSide, kSide, 3), label(index)};
    const std::byte* planes = record(index) + label_bytes_;  // (3, 32, 32)
    uint8_t* pixel = sample.picture.pixels.data();           // (32, 32, 3)
    for (int64_t i = 0; i < kPixels; ++i) {
      for (int64_t c = 0; c < 3; ++c) *pixel++ = std::to_integer<uint8_t>(planes[c * kPixels + i]);
    }
    return sample;
  }

 private:
  const std::byte* record(int64_t index) const { return records_[static_cast<size_t>(index)]; }

  void add(const fs::path& path) {
    files_.emplace_back(path);
    const auto bytes = files_.back().bytes();
    const size_t length = static_cast<size_t>(label_bytes_ + 3 * kPixels);
    TESSERA_CHECK(
        !bytes.empty() && bytes.size() % length == 0,
        "{}: {} bytes are not a whole number of CIFAR records of {} bytes; the file is cut off or not CIFAR's "
        "binary version",
        path.string(), bytes.size(), length);
    for (size_t offset = 0; offset < bytes.size(); offset += length) {
      const size_t label = std::to_integer<size_t>(bytes[offset + static_cast<size_t>(label_byte_)]);
      TESSERA_CHECK(label < names_.size(), "{}: record {} has the label {}, but there are {} classes", path.string(),
                    offset / length, label, names_.size());
      records_.push_back(bytes.data() + offset);
    }
  }

  int64_t label_bytes_, label_byte_;
  std::vector<std::string> names_;
  std::string part_;
  std::vector<MappedFile> files_;
  std::vector<const std::byte*> records_;  // into files_
};

// One name a line; exactly `count`, or the fallback where there is no such file.
std::vector<std::string> read_names(const fs::path& path, size_t count, std::vector<std::string> fallback) {
  if (!fs::exists(path)) return fallback;
  std::vector<std::string> names;
  for (std::string& line : split(read_text(path), '\n')) {
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
    if (!line.empty()) names.push_back(std::move(line));
  }
  TESSERA_CHECK(names.size() == count, "{}: {} class names, but CIFAR has {}", path.string(), names.size(), count);
  return names;
}

std::vector<std::string> numbered(size_t count) {
  std::vector<std::string> names;
  for (size_t i = 0; i < count; ++i) names.push_back(fmt::format("class {}", i));
  return names;
}

struct Settings {
  std::string labels = "fine";

  void visit(Options& o) {
    o("labels", labels, "of CIFAR-100: its 100 classes, or the 20 groups of them").one_of({"fine", "coarse"});
  }
};

// The folder that holds a file, itself or by the name that the official archive unpacks to; empty if neither does.
fs::path find(const fs::path& folder, const char* archive, const char* file) {
  if (fs::exists(folder / file)) return folder;
  if (fs::exists(folder / archive / file)) return folder / archive;
  return {};
}
fs::path find_cifar10(const fs::path& folder) { return find(folder, "cifar-10-batches-bin", "data_batch_1.bin"); }
fs::path find_cifar100(const fs::path& folder) { return find(folder, "cifar-100-binary", "train.bin"); }

bool detect(const fs::path& folder) { return !find_cifar10(folder).empty() || !find_cifar100(folder).empty(); }

void describe(DataSets& sets, const char* name, const fs::path& folder) {
  sets.what = fmt::format("{} in {}: {} training and {} test pictures of {} classes, 32 x 32 RGB", name,
                          folder.string(), sets.train->size(), sets.test->size(), sets.train->class_names().size());
}

DataSets open(const fs::path& path, const Settings& settings, const OpenOptions&) {
  DataSets sets;
  if (const fs::path folder = find_cifar10(path); !folder.empty()) {
    TESSERA_CHECK(find_cifar100(path).empty(), "{}: holds both CIFAR-10 and CIFAR-100; give the folder of one of them",
                  path.string());
    const auto names = read_names(folder / "batches.meta.txt", 10, cifar10_names());
    std::vector<fs::path> files;
    for (int i = 1; i <= 5; ++i) files.push_back(folder / fmt::format("data_batch_{}.bin", i));
    sets.train = cifar(files, CifarLabels::ten, names, "train");
    sets.test = cifar({folder / "test_batch.bin"}, CifarLabels::ten, names, "test");
    describe(sets, "CIFAR-10", folder);
    return sets;
  }
  const fs::path folder = find_cifar100(path);
  const bool fine = settings.labels == "fine";
  const size_t classes = fine ? 100 : 20;
  const auto names =
      read_names(folder / fmt::format("{}_label_names.txt", settings.labels), classes, numbered(classes));
  const CifarLabels labels = fine ? CifarLabels::fine : CifarLabels::coarse;
  sets.train = cifar({folder / "train.bin"}, labels, names, "train");
  sets.test = cifar({folder / "test.bin"}, labels, names, "test");
  describe(sets, "CIFAR-100", folder);
  return sets;
}

}  // namespace

std::shared_ptr<const DataSet> cifar(const std::vector<fs::path>& files, CifarLabels labels,
                                     std::vector<std::string> class_names, std::string part) {
  return std::make_shared<Cifar>(files, labels, std::move(class_names), std::move(part));
}

const std::vector<std::string>& cifar10_names() {
  static const std::vector<std::string> names = {"airplane", "automobile", "bird",  "cat",  "deer",
                                                 "dog",      "frog",       "horse", "ship", "truck"};
  return names;
}

void register_cifar(Registry& registry) {
  registry.add("cifar", kind_of<Settings>("CIFAR-10 or CIFAR-100, binary version", detect, open));
}

}  // namespace tessera::data
