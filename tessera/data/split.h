// Parts of data sets, and ways to treat classes of uneven size alike.
#pragma once

#include "tessera/data/data_set.h"

namespace tessera::data {

// Some samples of another set, in the given order.
class Subset final : public DataSet {
 public:
  Subset(std::shared_ptr<const DataSet> base, std::vector<int64_t> indices);

  int64_t size() const override { return static_cast<int64_t>(indices_.size()); }
  Sample get(int64_t index) const override { return base_->get(at(index)); }
  Sample get_part(int64_t index, const image::Need& need) const override { return base_->get_part(at(index), need); }
  int64_t label(int64_t index) const override { return base_->label(at(index)); }
  const std::vector<std::string>& class_names() const override { return base_->class_names(); }
  PictureShape picture_shape() const override { return base_->picture_shape(); }
  std::string name_of(int64_t index) const override { return base_->name_of(at(index)); }
  std::optional<image::Rectangle> box(int64_t index) const override { return base_->box(at(index)); }

 private:
  int64_t at(int64_t index) const { return indices_[static_cast<size_t>(index)]; }

  std::shared_ptr<const DataSet> base_;
  std::vector<int64_t> indices_;
};

// Two halves of the samples, each in ascending order.
struct SplitIndices {
  std::vector<int64_t> rest, part;
};

// Takes `fraction` (0 to 1) of the samples away: the same fraction of every class up to rounding, and of all of them
// together; chosen by the seed alone. With 0 < fraction < 1 every class keeps one sample on the side of `rest`, and, if
// `everywhere`, gets one in `part` where it has two or more. classes: the samples of each, (K, n_k).
SplitIndices split_indices(const std::vector<std::vector<int64_t>>& classes, double fraction, uint64_t seed,
                           bool everywhere = false);

// The same on a set.
struct Split {
  std::shared_ptr<const DataSet> rest, part;
};
Split split_off(const std::shared_ptr<const DataSet>& base, double fraction, uint64_t seed);

// The weight of each class in the loss, (K): n / (K n_k), so that the mean over the samples is 1; 0 for an empty class.
std::vector<float> class_weights(const DataSet& set);

}  // namespace tessera::data
