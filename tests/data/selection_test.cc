#include "tessera/data/selection.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tessera/core/error.h"
#include "tests/data/numbers.h"

namespace tessera::data {
namespace {

using test::Numbers;

DataSets numbers() {
  DataSets sets;
  sets.train = std::make_shared<Numbers>(std::vector<int64_t>{50, 40, 30, 20});
  sets.test = std::make_shared<Numbers>(std::vector<int64_t>{5, 4, 3, 2});
  sets.what = "numbers";
  return sets;
}

std::vector<std::string> samples(const DataSet& set) {
  std::vector<std::string> names;
  for (int64_t i = 0; i < set.size(); ++i) names.push_back(set.name_of(i));
  return names;
}

TEST(Select, KeepsTheClassesInTheOrderOfTheData) {
  const DataSets sets = select(numbers(), {.classes = {"class 3,class 1"}}, 0);
  EXPECT_EQ(sets.train->class_names(), (std::vector<std::string>{"class 1", "class 3"}));
  EXPECT_EQ(class_counts(*sets.train), (std::vector<int64_t>{40, 20}));
  EXPECT_EQ(class_counts(*sets.test), (std::vector<int64_t>{4, 2}));
  EXPECT_EQ(sets.train->name_of(0), "50");    // the first of class 1
  EXPECT_EQ(sets.train->name_of(40), "120");  // the first of class 3
  EXPECT_EQ(sets.train->label(40), 1);
  EXPECT_EQ(sets.train->get(40).label, 1);
  EXPECT_EQ(sets.train->get_part(40, {}).label, 1);
  EXPECT_EQ(sets.train->get(40).picture.pixels, numbers().train->get(120).picture.pixels);
  EXPECT_EQ(sets.train->picture_shape().height, 8);
  EXPECT_EQ(sets.what, "numbers; chosen: 60 training pictures, 6 test pictures of 2 of its classes (class 1, class 3)");
  // Listed one by one, twice, or the other way round: the same.
  const DataSets same = select(numbers(), {.classes = {"class 1", "class 3", "class 1"}}, 0);
  EXPECT_EQ(samples(*same.train), samples(*sets.train));
}

TEST(Select, AClassMayHaveACommaInItsName) {
  class Birds final : public DataSet {
   public:
    int64_t size() const override { return 3; }
    Sample get(int64_t index) const override { return {image::Picture(1, 1, 3), index}; }
    int64_t label(int64_t index) const override { return index; }
    const std::vector<std::string>& class_names() const override { return names_; }
    PictureShape picture_shape() const override { return {}; }
    std::string name_of(int64_t index) const override { return std::to_string(index); }

   private:
    std::vector<std::string> names_ = {"crane, bird", "crane", "owl"};
  };
  DataSets sets;
  sets.test = std::make_shared<Birds>();
  EXPECT_EQ(samples(*select(sets, {.classes = {"crane, bird", "owl"}}, 0).test), (std::vector<std::string>{"0", "2"}));
  EXPECT_EQ(samples(*select(sets, {.classes = {"crane,owl"}}, 0).test), (std::vector<std::string>{"1", "2"}));
}

TEST(Select, NamesAClassThatThereIsNot) {
  try {
    select(numbers(), {.classes = {"class 1,clas 2"}}, 0);
    FAIL();
  } catch (const UsageError& error) {
    EXPECT_STREQ(error.what(), "the data has no class 'clas 2', did you mean 'class 2'?");
  }
  try {
    select(numbers(), {.classes = {"wombat"}}, 0);
    FAIL();
  } catch (const UsageError& error) {
    EXPECT_STREQ(error.what(), "the data has no class 'wombat'; it has class 0, class 1, class 2, class 3");
  }
}

TEST(Select, DrawsAsManyOfEachClassAndLeavesTheTestWhole) {
  const DataSets ten = select(numbers(), {.per_class = 10}, 7);
  EXPECT_EQ(class_counts(*ten.train), (std::vector<int64_t>{10, 10, 10, 10}));
  EXPECT_EQ(ten.test->size(), 14);
  EXPECT_EQ(samples(*ten.train), samples(*select(numbers(), {.per_class = 10}, 7).train));
  EXPECT_NE(samples(*ten.train), samples(*select(numbers(), {.per_class = 10}, 8).train));
  // More labels are the same ones and others; a class that has fewer gives all.
  const DataSets more = select(numbers(), {.per_class = 25}, 7);
  EXPECT_EQ(class_counts(*more.train), (std::vector<int64_t>{25, 25, 25, 20}));
  const auto few = samples(*ten.train), many = samples(*more.train);
  for (const std::string& name : few) EXPECT_TRUE(std::count(many.begin(), many.end(), name)) << name;
  // Of a class the same ones, whichever other classes are there.
  const auto alone = samples(*select(numbers(), {.classes = {"class 2"}, .per_class = 10}, 7).train);
  EXPECT_EQ(alone, std::vector<std::string>(few.begin() + 20, few.begin() + 30));
}

TEST(Select, AShareIsOneOfEachClassAtLeast) {
  const DataSets fifth = select(numbers(), {.share = 0.2}, 7), half = select(numbers(), {.share = 0.5}, 7);
  EXPECT_EQ(class_counts(*fifth.train), (std::vector<int64_t>{10, 8, 6, 4}));
  EXPECT_EQ(fifth.test->size(), 14);
  const auto few = samples(*fifth.train), many = samples(*half.train);
  for (const std::string& name : few) EXPECT_TRUE(std::count(many.begin(), many.end(), name)) << name;
  EXPECT_NE(few, samples(*select(numbers(), {.share = 0.2}, 8).train));
  EXPECT_EQ(class_counts(*select(numbers(), {.share = 0.001}, 7).train), (std::vector<int64_t>{1, 1, 1, 1}));
  EXPECT_EQ(class_counts(*select(numbers(), {.per_class = 7, .share = 0.2}, 7).train),
            (std::vector<int64_t>{7, 7, 6, 4}));
  EXPECT_THROW(select(numbers(), {.share = 0}, 7), Error);
}

TEST(Select, NothingSelectedIsTheDataItself) {
  const DataSets sets = numbers();
  EXPECT_EQ(select(sets, {}, 0).train, sets.train);
  EXPECT_EQ(select(sets, {}, 0).what, "numbers");
}

}  // namespace
}  // namespace tessera::data
