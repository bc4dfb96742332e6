// A small data set in memory that a linear model learns: noise around a colour and a place that belong to the class.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tessera/core/random.h"
#include "tessera/data/data_set.h"

namespace tessera::test {

class TinyData final : public data::DataSet {
 public:
  // Another part of the data is other pictures. spoilt: pictures whose pixels are far outside of what they should be.
  TinyData(int64_t size, std::string part) : size_(size), part_(std::move(part)) {}

  int64_t size() const override { return size_; }
  data::Sample get(int64_t index) const override {
    data::Sample sample;
    sample.label = label(index);
    sample.picture = {8, 8, 3, std::vector<uint8_t>(8 * 8 * 3)};
    Random random(1, "tiny data/" + part_, 0, static_cast<uint64_t>(index));
    for (size_t i = 0; i < sample.picture.pixels.size(); ++i) {
      const bool bright = static_cast<int64_t>(i / 48) == sample.label;  // two rows of the picture
      sample.picture.pixels[i] = static_cast<uint8_t>(random.below(160) + (bright ? 60 : 0));
    }
    return sample;
  }
  int64_t label(int64_t index) const override { return index % 4; }
  const std::vector<std::string>& class_names() const override { return names_; }
  data::PictureShape picture_shape() const override { return {8, 8, 3}; }
  std::string name_of(int64_t index) const override { return part_ + " " + std::to_string(index); }

 private:
  int64_t size_;
  std::string part_;
  std::vector<std::string> names_ = {"first", "second", "third", "fourth"};
};

inline data::DataSets tiny_data(int64_t training = 200, int64_t test = 50) {
  data::DataSets sets;
  sets.train = std::make_shared<TinyData>(training, "train");
  sets.test = std::make_shared<TinyData>(test, "test");
  sets.what = "tiny data";
  return sets;
}

}  // namespace tessera::test
