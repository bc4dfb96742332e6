// One sample of a data set as numbers: decoded, augmented, normalised.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "tessera/data/data_set.h"
#include "tessera/image/augment.h"
#include "tessera/image/preprocess.h"

namespace tessera::data {

// Thread-safe.
class SampleMaker {
 public:
  SampleMaker(std::shared_ptr<const DataSet> set, image::Preprocess preprocess, image::Augmentation augmentation,
              uint64_t seed);

  // Writes (height, width, channels) floats; a pure function of the seed and the arguments. False where the sample
  // cannot be decoded, which is noted; throws when that is more than 1 % of them.
  bool make(int64_t index, int64_t copy, int64_t epoch, float* pixels);

  // The errors of the samples that cannot be decoded, each once.
  std::vector<std::string> corrupt() const;

 private:
  void note_corrupt(int64_t index, const std::string& error);

  const std::shared_ptr<const DataSet> set_;
  const image::Preprocess preprocess_;
  const image::Augmentation augmentation_;
  const uint64_t augment_key_, erase_key_;
  mutable std::mutex mutex_;
  std::map<int64_t, std::string> corrupt_;  // by index
};

}  // namespace tessera::data
