#include "tessera/data/sample_maker.h"

#include "tessera/core/error.h"
#include "tessera/core/random.h"
#include "tessera/core/text.h"

namespace tessera::data {
namespace {

constexpr double kCorruptAllowed = 0.01;  // of the samples

}  // namespace

SampleMaker::SampleMaker(std::shared_ptr<const DataSet> set, image::Preprocess preprocess,
                         image::Augmentation augmentation, uint64_t seed)
    : set_(std::move(set)),
      preprocess_(std::move(preprocess)),
      augmentation_(std::move(augmentation)),
      augment_key_(random_key(seed, "augment")),
      erase_key_(random_key(seed, "augment/erase")) {
  image::check(preprocess_);
  image::check(augmentation_);
}

bool SampleMaker::make(int64_t index, int64_t copy, int64_t epoch, float* pixels) try {
  const auto step = static_cast<uint64_t>(epoch);
  const uint64_t sample = static_cast<uint64_t>(index) | static_cast<uint64_t>(copy) << 40;
  const Random random(augment_key_, step, sample);
  const Sample stored = set_->get_part(index, image::need_of(augmentation_, preprocess_, random));
  const image::Picture picture =
      image::augment(stored.picture, augmentation_, preprocess_, random);  // (height, width, channels)
  image::normalise(picture, preprocess_, image::Layout::nhwc, pixels);
  if (augmentation_.erasing.probability > 0) {
    Random random(erase_key_, step, sample);
    const auto erasing =
        image::draw_erasing(augmentation_.erasing, picture.height, picture.width, picture.channels, random);
    if (erasing) image::erase(pixels, picture.width, picture.channels, erasing->part, erasing->fill);
  }
  return true;
} catch (const Error& error) {
  note_corrupt(index, error.what());
  return false;
}

void SampleMaker::note_corrupt(int64_t index, const std::string& error) {
  const std::string name = set_->name_of(index);
  const bool named = error.find(name) != std::string::npos;
  {
    const std::lock_guard lock(mutex_);
    corrupt_.emplace(index, named ? error : name + ": " + error);
  }
  const std::vector<std::string> all = corrupt();
  TESSERA_CHECK(static_cast<double>(all.size()) <= kCorruptAllowed * static_cast<double>(set_->size()),
                "more than 1 % of {} pictures cannot be read: {}; repair or remove them", set_->size(), list_some(all));
}

std::vector<std::string> SampleMaker::corrupt() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> errors;
  for (const auto& [index, error] : corrupt_) errors.push_back(error);
  return errors;
}

}  // namespace tessera::data
