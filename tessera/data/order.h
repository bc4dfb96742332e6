// Which sample comes when: the order of an epoch, a pure function of its seed and number.
#pragma once

#include <utility>

#include "tessera/core/random.h"
#include "tessera/data/data_set.h"

namespace tessera::data {

// One place in an epoch. A sample that comes again in the same epoch has another `copy`, and so another augmentation.
struct Draw {
  int64_t index = 0;
  int64_t copy = 0;
  bool operator==(const Draw&) const = default;
};

struct OrderOptions {
  bool shuffle = true;    // false: 0, 1, 2, …
  int64_t repeats = 1;    // repeated augmentation: each sample comes so often in a row, and fewer of them in an epoch
  bool balanced = false;  // every class comes equally often (needs shuffle)
};

// Throws an Error where the options cannot be.
void check(const OrderOptions& options);

// set.size() draws. Repeated augmentation: Hoffer et al., "Augment your batch" (CVPR 2020).
std::vector<Draw> epoch_order(const DataSet& set, const OrderOptions& options, uint64_t seed, int64_t epoch);

// The samples of each class in ascending order, (K, n_k).
std::vector<std::vector<int64_t>> indices_by_class(const DataSet& set);

// Fisher-Yates.
template <class T>
void shuffle(std::vector<T>& items, Random random) {
  for (size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[random.below(i)]);
}

}  // namespace tessera::data
