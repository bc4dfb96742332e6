#include "tessera/data/split.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "tessera/core/error.h"
#include "tests/data/numbers.h"

namespace tessera::data {
namespace {

using test::Numbers;

std::vector<int64_t> indices(const DataSet& set) {
  std::vector<int64_t> found;
  for (int64_t i = 0; i < set.size(); ++i) found.push_back(std::stoll(set.name_of(i)));
  return found;
}

TEST(Split, TakesTheSameFractionOfEveryClass) {
  const auto base = std::make_shared<Numbers>(std::vector<int64_t>{100, 40, 10});
  const Split split = split_off(base, 0.1, 7);
  EXPECT_EQ(class_counts(*split.part), (std::vector<int64_t>{10, 4, 1}));
  EXPECT_EQ(class_counts(*split.rest), (std::vector<int64_t>{90, 36, 9}));
  const auto part = indices(*split.part), rest = indices(*split.rest);
  EXPECT_TRUE(std::is_sorted(part.begin(), part.end()));
  EXPECT_TRUE(std::is_sorted(rest.begin(), rest.end()));
  std::set<int64_t> all(part.begin(), part.end());
  all.insert(rest.begin(), rest.end());
  EXPECT_EQ(all.size(), 150u);
  EXPECT_EQ(split.part->get(3).label, split.part->label(3));
}

TEST(Split, IsAFunctionOfTheSeed) {
  const auto base = std::make_shared<Numbers>(std::vector<int64_t>{50, 50});
  EXPECT_EQ(indices(*split_off(base, 0.2, 1).part), indices(*split_off(base, 0.2, 1).part));
  EXPECT_NE(indices(*split_off(base, 0.2, 1).part), indices(*split_off(base, 0.2, 2).part));
}

TEST(Split, KeepsTheTotalRightOverManySmallClasses) {
  const auto base = std::make_shared<Numbers>(std::vector<int64_t>(100, 4));  // 0.4 of each cannot be
  EXPECT_EQ(split_off(base, 0.1, 0).part->size(), 40);
}

TEST(Split, NeverTakesTheLastOfAClass) {
  const auto base = std::make_shared<Numbers>(std::vector<int64_t>{1, 2, 3});
  const Split split = split_off(base, 0.9, 0);
  EXPECT_EQ(class_counts(*split.rest), (std::vector<int64_t>{1, 1, 1}));
  EXPECT_EQ(split_off(base, 0, 0).part->size(), 0);
  EXPECT_EQ(split_off(base, 1, 0).rest->size(), 0);
  EXPECT_THROW(split_off(base, 1.5, 0), Error);
  const SplitIndices everywhere = split_indices({{0}, {1, 2}, {3, 4, 5}}, 0.01, 0, true);
  EXPECT_EQ(everywhere.part.size(), 2u);
}

TEST(Subset, RefusesSamplesThatTheSetLacks) {
  const auto base = std::make_shared<Numbers>(std::vector<int64_t>{3});
  EXPECT_THROW(Subset(base, {0, 3}), Error);
}

TEST(ClassWeights, MakeTheClassesEqual) {
  const Numbers set({30, 10, 0});
  const std::vector<float> weights = class_weights(set);
  EXPECT_FLOAT_EQ(weights[0], 40.0f / 90);
  EXPECT_FLOAT_EQ(weights[1], 40.0f / 30);
  EXPECT_EQ(weights[2], 0);
}

}  // namespace
}  // namespace tessera::data
