#include "tessera/report/confusion.h"

#include <gtest/gtest.h>

#include "tessera/core/error.h"

namespace tessera::report {
namespace {

const std::vector<int64_t> kCounts = {8, 2, 0,  //
                                      1, 9, 2,  //
                                      0, 0, 0};
const std::vector<std::string> kNames = {"cat", "dög", "a,\"b\""};

TEST(Confusion, TextTableLinesUp) {
  EXPECT_EQ(confusion_text(kCounts, kNames),
            " true   cat   dög a,\"b\"   <- predicted\n"
            "  cat     8     2     ·\n"
            "  dög     1     9     2\n"
            "a,\"b\"     ·     ·     ·\n");
}

TEST(Confusion, ManyClassesShowTheWorstMistakes) {
  constexpr size_t kClasses = 30;
  std::vector<int64_t> counts(kClasses * kClasses);
  std::vector<std::string> names;
  for (size_t i = 0; i < kClasses; ++i) names.push_back("class" + std::to_string(i));
  counts[3 * kClasses + 4] = 7;
  counts[5 * kClasses + 5] = 70;  // a hit
  counts[29 * kClasses + 0] = 9;
  EXPECT_EQ(confusion_text(counts, names),
            "      9  class29 taken for class0\n"
            "      7  class3 taken for class4\n");
}

TEST(Confusion, WorstMistakesAreSortedAndLimited) {
  const std::vector<Mistake> worst = worst_mistakes(kCounts, 3, 2);
  ASSERT_EQ(worst.size(), 2u);
  EXPECT_EQ(worst[0].actual, 0);  // among equals the first class
  EXPECT_EQ(worst[0].predicted, 1);
  EXPECT_EQ(worst[1].actual, 1);
  EXPECT_EQ(worst[1].predicted, 2);
  EXPECT_EQ(pictures_of_classes(kCounts, 3), (std::vector<int64_t>{10, 12, 0}));
}

TEST(Confusion, CsvQuotesNames) {
  EXPECT_EQ(confusion_csv(kCounts, kNames),
            "true\\predicted,cat,dög,\"a,\"\"b\"\"\"\n"
            "cat,8,2,0\n"
            "dög,1,9,2\n"
            "\"a,\"\"b\"\"\",0,0,0\n");
}

TEST(Confusion, PictureHasARowOfCellsForEachClass) {
  const image::Picture picture = confusion_picture(kCounts, 3);
  ASSERT_EQ(picture.height, 96);
  ASSERT_EQ(picture.width, 96);
  EXPECT_GT(picture.at(0, 0, 2), picture.at(0, 0, 0));    // a hit is blue
  EXPECT_GT(picture.at(0, 32, 0), picture.at(0, 32, 2));  // a mistake is orange
  EXPECT_LT(picture.at(0, 0, 0), picture.at(0, 64, 0));   // nothing is white
  for (int64_t c = 0; c < 3; ++c) {
    EXPECT_EQ(picture.at(0, 64, c), 255);
    EXPECT_EQ(picture.at(64, 64, c), 255);  // a class without pictures
  }
  EXPECT_EQ(confusion_picture(std::vector<int64_t>(2000 * 2000, 1), 2000).width, 2000);
}

TEST(Confusion, SizesMustAgree) {
  EXPECT_THROW(confusion_text(kCounts, {"a", "b"}), Error);
  EXPECT_THROW(confusion_picture({}, 0), Error);
}

}  // namespace
}  // namespace tessera::report
