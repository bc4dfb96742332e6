#include "tessera/data/split.h"

#include <algorithm>
#include <cmath>

#include "tessera/core/error.h"
#include "tessera/data/order.h"

namespace tessera::data {

Subset::Subset(std::shared_ptr<const DataSet> base, std::vector<int64_t> indices)
    : base_(std::move(base)), indices_(std::move(indices)) {
  for (const int64_t index : indices_) {
    TESSERA_CHECK(index >= 0 && index < base_->size(), "Subset: sample {} of a set of {}", index, base_->size());
  }
}

SplitIndices split_indices(const std::vector<std::vector<int64_t>>& classes, double fraction, uint64_t seed,
                           bool everywhere) {
  TESSERA_CHECK(fraction >= 0 && fraction <= 1, "split: the fraction must be from 0 to 1, not {}", fraction);
  SplitIndices split;
  double quota = 0;  // over the classes so far: rounding the running sum keeps the total right
  int64_t given = 0;
  for (size_t k = 0; k < classes.size(); ++k) {
    std::vector<int64_t> indices = classes[k];
    const int64_t count = static_cast<int64_t>(indices.size());
    quota += fraction * static_cast<double>(count);
    int64_t take = std::clamp<int64_t>(std::llround(quota) - given, 0, count);
    given += take;
    if (fraction > 0 && fraction < 1 && count > 0) {
      take = std::clamp<int64_t>(take, everywhere && count > 1 ? 1 : 0, count - 1);
    }
    shuffle(indices, Random(seed, "split", 0, k));
    split.part.insert(split.part.end(), indices.begin(), indices.begin() + take);
    split.rest.insert(split.rest.end(), indices.begin() + take, indices.end());
  }
  std::sort(split.part.begin(), split.part.end());
  std::sort(split.rest.begin(), split.rest.end());
  return split;
}

Split split_off(const std::shared_ptr<const DataSet>& base, double fraction, uint64_t seed) {
  SplitIndices split = split_indices(indices_by_class(*base), fraction, seed);
  return {std::make_shared<Subset>(base, std::move(split.rest)), std::make_shared<Subset>(base, std::move(split.part))};
}

std::vector<float> class_weights(const DataSet& set) {
  const std::vector<int64_t> counts = class_counts(set);
  std::vector<float> weights;
  for (const int64_t count : counts) {
    const double share = static_cast<double>(count) * static_cast<double>(counts.size());
    weights.push_back(count == 0 ? 0.0f : static_cast<float>(static_cast<double>(set.size()) / share));
  }
  return weights;
}

}  // namespace tessera::data
