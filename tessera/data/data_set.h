// Labelled pictures that can be read in any order.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tessera/image/picture.h"

namespace tessera::data {

struct Sample {
  image::Picture picture;
  int64_t label = 0;  // of class_names()
};

// What every picture of a set has in common.
struct PictureShape {
  int64_t height = 0;  // 0 where pictures differ
  int64_t width = 0;   // likewise
  int64_t channels = 3;
};

// One part (training, validation or test) of a data set. Immutable: every function is pure and may be called from any
// thread. Indices are in [0, size()).
class DataSet {
 public:
  virtual ~DataSet() = default;
  virtual int64_t size() const = 0;
  // Decodes or draws one picture. A file that cannot be decoded is an Error that names it.
  virtual Sample get(int64_t index) const = 0;
  // The same, but only the part of the picture that is needed has to be right.
  virtual Sample get_part(int64_t index, const image::Need& /*need*/) const { return get(index); }
  // The same label as get()'s, without decoding.
  virtual int64_t label(int64_t index) const = 0;
  virtual const std::vector<std::string>& class_names() const = 0;
  virtual PictureShape picture_shape() const = 0;
  // How messages and tables call a sample: its file, or "test 17".
  virtual std::string name_of(int64_t index) const = 0;
  // One line without a full stop: "5000 pictures of 10 classes, 32 x 32 RGB".
  virtual std::string describe() const;
  // Where the labelled object is, for the sets that know it; clipped to the picture.
  virtual std::optional<image::Rectangle> box(int64_t /*index*/) const { return std::nullopt; }
};

// The number of samples of each class, (K).
std::vector<int64_t> class_counts(const DataSet& set);

// A data set as it lies on the disk. Parts that it lacks are null.
struct DataSets {
  std::shared_ptr<const DataSet> train;
  std::shared_ptr<const DataSet> validation;
  std::shared_ptr<const DataSet> test;
  std::string what;                // what was found, one sentence for the user
  std::vector<std::string> notes;  // what was passed over (stray files, corrupt pictures), a sentence each
};

}  // namespace tessera::data
