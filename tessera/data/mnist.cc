// MNIST and everything in its idx layout (Fashion-MNIST, KMNIST, EMNIST), gzipped or not
// (http://yann.lecun.com/exdb/mnist).
//
// A file is a magic number (0x803: bytes in three dimensions, 0x801: in one), the extents and the bytes; numbers are
// 32 bits, big-endian.
#include <fmt/core.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <memory>

#include "tessera/core/error.h"
#include "tessera/data/registry.h"

namespace tessera::data {
namespace {

namespace fs = std::filesystem;

// A file that may be gzipped; zlib reads one that is not as it stands.
class IdxFile {
 public:
  explicit IdxFile(const fs::path& path) : path_(path), file_(gzopen(path.c_str(), "rb"), gzclose) {
    TESSERA_CHECK(file_, "{}: cannot be opened", path.string());
  }

  uint32_t number() {
    uint8_t b[4];
    read(b, 4);
    return uint32_t{b[0]} << 24 | uint32_t{b[1]} << 16 | uint32_t{b[2]} << 8 | b[3];
  }

  // The rest of the file, which must be exactly `count` bytes.
  std::vector<uint8_t> rest(int64_t count) {
    constexpr int64_t kPiece = 1 << 24;  // memory grows with what the file has, not with what its header claims
    std::vector<uint8_t> bytes;
    for (int64_t done = 0; done < count; done += kPiece) {
      const int64_t piece = std::min(kPiece, count - done);
      bytes.resize(static_cast<size_t>(done + piece));
      read(bytes.data() + done, piece);
    }
    uint8_t more;
    TESSERA_CHECK(gzread(file_.get(), &more, 1) == 0, "{}: longer than its header says", path_.string());
    return bytes;
  }

 private:
  void read(uint8_t* bytes, int64_t count) {
    const int got = gzread(file_.get(), bytes, static_cast<unsigned>(count));
    if (got == count) return;
    int code = Z_OK;
    const std::string reason = gzerror(file_.get(), &code);
    const bool short_file = code == Z_OK || code == Z_BUF_ERROR;
    fail("{}: cut off or corrupt ({}); fetch the file again", path_.string(),
         short_file ? "it ends too early" : reason);
  }

  fs::path path_;
  std::unique_ptr<gzFile_s, int (*)(gzFile)> file_;
};

struct Images {
  int64_t count = 0, height = 0, width = 0;
  std::vector<uint8_t> pixels;  // (count, height, width)
};

constexpr uint32_t kImages = 0x803, kLabels = 0x801;

Images read_images(const fs::path& path) {
  IdxFile file(path);
  const uint32_t magic = file.number();
  TESSERA_CHECK(magic == kImages, "{}: not an idx file of pictures: it begins with {:#x}, not {:#x}", path.string(),
                magic, kImages);
  Images images;
  images.count = file.number();
  images.height = file.number();
  images.width = file.number();
  TESSERA_CHECK(images.count > 0 && images.count <= 100'000'000 && images.height > 0 && images.height <= 4096 &&
                    images.width > 0 && images.width <= 4096,
                "{}: its header speaks of {} pictures of {} x {}", path.string(), images.count, images.height,
                images.width);
  images.pixels = file.rest(images.count * images.height * images.width);
  return images;
}

std::vector<uint8_t> read_labels(const fs::path& path) {
  IdxFile file(path);
  const uint32_t magic = file.number();
  TESSERA_CHECK(magic == kLabels, "{}: not an idx file of labels: it begins with {:#x}, not {:#x}", path.string(),
                magic, kLabels);
  const int64_t count = file.number();
  return file.rest(count);
}

class Mnist final : public DataSet {
 public:
  Mnist(Images images, std::vector<uint8_t> labels, std::vector<std::string> names, std::string part)
      : images_(std::move(images)), labels_(std::move(labels)), names_(std::move(names)), part_(std::move(part)) {}

  int64_t size() const override { return images_.count; }
  int64_t label(int64_t index) const override { return labels_[static_cast<size_t>(index)]; }
  const std::vector<std::string>& class_names() const override { return names_; }
  PictureShape picture_shape() const override { return {images_.height, images_.width, 1}; }
  std::string name_of(int64_t index) const override { return fmt::format("{} {}", part_, index); }
  Sample get(int64_t index) const override {
    const int64_t pixels = images_.height * images_.width;
    const auto first = images_.pixels.begin() + index * pixels;
    return {image::Picture(images_.height, images_.width, 1, std::vector<uint8_t>(first, first + pixels)),
            label(index)};
  }

 private:
  Images images_;
  std::vector<uint8_t> labels_;
  std::vector<std::string> names_;
  std::string part_;
};

struct Settings {
  void visit(Options&) {}
};

// "train-images-idx3-ubyte" as it is called in the archive, gzipped or not, with a dash or a dot; empty if absent.
fs::path find_file(const fs::path& folder, const std::string& part, const std::string& what) {
  for (const char* separator : {"-", "."}) {
    for (const char* ending : {"", ".gz"}) {
      const fs::path path = folder / fmt::format("{}{}{}{}", part, separator, what, ending);
      if (fs::exists(path)) return path;
    }
  }
  return {};
}

// The folder itself, or where torchvision keeps the files below it; empty if there are none.
fs::path find_folder(const fs::path& folder) {
  for (const fs::path& place : {folder, folder / "raw", folder / "MNIST/raw"}) {
    if (!find_file(place, "train-images", "idx3-ubyte").empty()) return place;
  }
  return {};
}

bool detect(const fs::path& folder) { return !find_folder(folder).empty(); }

struct Part {
  Images images;
  std::vector<uint8_t> labels;
};

Part read_part(const fs::path& folder, const std::string& part) {
  const auto existing = [&](const std::string& name, const std::string& what) {
    const fs::path path = find_file(folder, name, what);
    TESSERA_CHECK(!path.empty(), "{}: {}-{} is missing (with .gz or without)", folder.string(), name, what);
    return path;
  };
  const fs::path images = existing(part + "-images", "idx3-ubyte"), labels = existing(part + "-labels", "idx1-ubyte");
  Part read{read_images(images), read_labels(labels)};
  TESSERA_CHECK(static_cast<int64_t>(read.labels.size()) == read.images.count,
                "{}: {} labels for the {} pictures of {}", labels.string(), read.labels.size(), read.images.count,
                images.filename().string());
  return read;
}

DataSets open(const fs::path& path, const Settings&, const OpenOptions&) {
  const fs::path folder = find_folder(path);
  Part train = read_part(folder, "train"), test = read_part(folder, "t10k");
  TESSERA_CHECK(train.images.height == test.images.height && train.images.width == test.images.width,
                "{}: training pictures of {} x {}, test pictures of {} x {}", folder.string(), train.images.height,
                train.images.width, test.images.height, test.images.width);
  const int classes = 1 + *std::max_element(train.labels.begin(), train.labels.end());
  const int last = *std::max_element(test.labels.begin(), test.labels.end());
  TESSERA_CHECK(last < classes, "{}: the test part has the label {}, the training part has labels up to {}",
                folder.string(), last, classes - 1);
  std::vector<std::string> names;
  for (int i = 0; i < classes; ++i) names.push_back(std::to_string(i));
  DataSets sets;
  sets.train = std::make_shared<Mnist>(std::move(train.images), std::move(train.labels), names, "train");
  sets.test = std::make_shared<Mnist>(std::move(test.images), std::move(test.labels), names, "test");
  const PictureShape shape = sets.train->picture_shape();
  sets.what =
      fmt::format("idx files (MNIST's layout) in {}: {} training and {} test pictures of {} classes, {} x {} gray",
                  folder.string(), sets.train->size(), sets.test->size(), classes, shape.height, shape.width);
  return sets;
}

}  // namespace

void register_mnist(Registry& registry) {
  registry.add("mnist", kind_of<Settings>("MNIST and its kin: idx files, gzipped or not", detect, open));
}

}  // namespace tessera::data
