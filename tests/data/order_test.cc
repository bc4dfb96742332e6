#include "tessera/data/order.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "tessera/core/error.h"
#include "tests/data/numbers.h"

namespace tessera::data {
namespace {

using test::Numbers;

std::vector<int64_t> indices(const std::vector<Draw>& order) {
  std::vector<int64_t> found;
  for (const Draw& draw : order) found.push_back(draw.index);
  return found;
}

TEST(EpochOrder, IsAPermutationThatDependsOnSeedAndEpoch) {
  const Numbers set({60, 40});
  const auto order = epoch_order(set, {}, 3, 5);
  EXPECT_EQ(order, epoch_order(set, {}, 3, 5));
  EXPECT_NE(order, epoch_order(set, {}, 3, 6));
  EXPECT_NE(order, epoch_order(set, {}, 4, 5));
  auto sorted = indices(order);
  std::sort(sorted.begin(), sorted.end());
  EXPECT_EQ(sorted, indices(epoch_order(set, {.shuffle = false}, 3, 5)));
}

TEST(EpochOrder, ShufflesEvenly) {
  // How often sample i comes first, over many epochs: mean 200, standard deviation 13.4.
  const Numbers set({10});
  std::map<int64_t, int> first;
  for (int64_t epoch = 0; epoch < 2000; ++epoch) ++first[epoch_order(set, {}, 0, epoch)[0].index];
  for (const auto& [index, count] : first) EXPECT_NEAR(count, 200, 60) << index;
}

TEST(EpochOrder, RepeatsSamplesWithOtherCopies) {
  const Numbers set({10});
  const auto order = epoch_order(set, {.repeats = 3}, 1, 0);
  ASSERT_EQ(order.size(), 10u);  // an epoch stays as long
  for (size_t i = 0; i < 9; ++i) {
    EXPECT_EQ(order[i].index, order[i / 3 * 3].index);
    EXPECT_EQ(order[i].copy, static_cast<int64_t>(i % 3));
  }
}

TEST(EpochOrder, BalancesClasses) {
  const Numbers set({90, 9, 1, 0});
  const auto order = epoch_order(set, {.balanced = true}, 1, 0);
  ASSERT_EQ(order.size(), 100u);
  std::vector<int64_t> counts(3);
  std::set<std::pair<int64_t, int64_t>> draws;
  for (const Draw& draw : order) {
    ++counts[static_cast<size_t>(set.label(draw.index))];
    draws.insert({draw.index, draw.copy});
  }
  std::sort(counts.begin(), counts.end());
  EXPECT_EQ(counts, (std::vector<int64_t>{33, 33, 34}));
  EXPECT_EQ(draws.size(), 100u);  // no sample twice with the same augmentation
  // Over a few epochs every sample of the large class has its turn.
  std::set<int64_t> seen;
  for (int64_t epoch = 0; epoch < 30; ++epoch) {
    for (const Draw& draw : epoch_order(set, {.balanced = true}, 1, epoch)) seen.insert(draw.index);
  }
  EXPECT_EQ(seen.size(), 100u);
}

TEST(EpochOrder, RefusesWhatCannotBe) {
  EXPECT_THROW(check({.repeats = 0}), Error);
  EXPECT_THROW(check({.shuffle = false, .balanced = true}), Error);
}

}  // namespace
}  // namespace tessera::data
