// A data set for tests: sample i is a small picture made from i, and may be told to be corrupt.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "tessera/core/error.h"
#include "tessera/data/data_set.h"

namespace tessera::test {

class Numbers final : public data::DataSet {
 public:
  // counts: the samples of each class, one class after the other.
  explicit Numbers(const std::vector<int64_t>& counts, std::set<int64_t> corrupt = {}) : corrupt_(std::move(corrupt)) {
    for (size_t k = 0; k < counts.size(); ++k) {
      names_.push_back("class " + std::to_string(k));
      labels_.insert(labels_.end(), static_cast<size_t>(counts[k]), static_cast<int64_t>(k));
    }
  }

  int64_t size() const override { return static_cast<int64_t>(labels_.size()); }
  int64_t label(int64_t index) const override { return labels_[static_cast<size_t>(index)]; }
  const std::vector<std::string>& class_names() const override { return names_; }
  data::PictureShape picture_shape() const override { return {8, 8, 3}; }
  std::string name_of(int64_t index) const override { return std::to_string(index); }
  data::Sample get(int64_t index) const override {
    if (corrupt_.count(index)) fail("sample {} is corrupt", index);
    image::Picture picture(8, 8, 3);
    for (size_t i = 0; i < picture.pixels.size(); ++i) {
      picture.pixels[i] = static_cast<uint8_t>(31 * static_cast<size_t>(index) + 7 * i);
    }
    return {picture, label(index)};
  }

 private:
  std::vector<int64_t> labels_;
  std::vector<std::string> names_;
  std::set<int64_t> corrupt_;
};

}  // namespace tessera::test
