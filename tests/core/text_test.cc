#include "tessera/core/text.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace tessera {
namespace {

const std::vector<std::string> kNames = {"learning_rate", "layer_decay", "weight_decay", "depth", "batch", "lr"};

TEST(Nearest, FindsSlipsOfTheFinger) {
  EXPECT_EQ(nearest("learning-rat", kNames), "learning_rate");  // a letter lost, the other kind of dash
  EXPECT_EQ(nearest("dpeth", kNames), "depth");                 // two letters swapped
  EXPECT_EQ(nearest("DEPTH", kNames), "depth");                 // another case
  EXPECT_EQ(nearest("wieght_decya", kNames), "weight_decay");   // two swaps
  EXPECT_EQ(nearest("learn", kNames), "learning_rate");         // the beginning
  EXPECT_EQ(nearest("batches", kNames), "batch");
}

TEST(Nearest, StaysSilentWhereNothingIsNear) {
  EXPECT_EQ(nearest("optimizer", kNames), "");
  EXPECT_EQ(nearest("xy", kNames), "");  // two edits from "lr", and shares no letter with it
  EXPECT_EQ(nearest("q", {"a", "b"}), "");
  EXPECT_EQ(nearest("", kNames), "");
  EXPECT_EQ(nearest("depth", {}), "");
}

TEST(Nearest, EndsASentence) {
  EXPECT_EQ(did_you_mean("dept", kNames), ", did you mean 'depth'?");
  EXPECT_EQ(did_you_mean("optimizer", kNames), "");
}

TEST(WidthOf, CountsCharacters) {
  EXPECT_EQ(width_of(""), 0u);
  EXPECT_EQ(width_of("3×3 Öl"), 6u);
}

TEST(FormatCount, KeepsThreeDigitsAndRoundsIntoTheNextUnit) {
  EXPECT_EQ(format_count(0), "0");
  EXPECT_EQ(format_count(950), "950");
  EXPECT_EQ(format_count(3400), "3.40 k");
  EXPECT_EQ(format_count(999999), "1.00 M");
  EXPECT_EQ(format_count(86567656), "86.6 M");
  EXPECT_EQ(format_count(304326632), "304 M");
  EXPECT_EQ(format_count(17.6e9), "17.6 G");
}

TEST(FormatDuration, UsesTwoUnitsAndNeverSixtyOfOne) {
  EXPECT_EQ(format_duration(0.45), "0.45 s");
  EXPECT_EQ(format_duration(12.34), "12.3 s");
  EXPECT_EQ(format_duration(59.97), "1 min 00 s");
  EXPECT_EQ(format_duration(185), "3 min 05 s");
  EXPECT_EQ(format_duration(3599.7), "1 h 00 min");
  EXPECT_EQ(format_duration(3720), "1 h 02 min");
  EXPECT_EQ(format_duration(86399), "1 d 00 h");
  EXPECT_EQ(format_duration(2 * 86400 + 3 * 3600), "2 d 03 h");
  EXPECT_EQ(format_duration(NAN), "?");
  EXPECT_EQ(format_duration(INFINITY), "?");
}

TEST(NaturalLess, CountsDigitsAsNumbers) {
  std::vector<std::string> names = {"img10",
                                    "img9",
                                    "img",
                                    "b2",
                                    "img010",
                                    "img1x",
                                    "img1",
                                    "a",
                                    "b02c",
                                    "B",
                                    "99999999999999999999",
                                    "100000000000000000000"};
  std::sort(names.begin(), names.end(), natural_less);
  EXPECT_EQ(names, (std::vector<std::string>{"99999999999999999999", "100000000000000000000", "B", "a", "b2", "b02c",
                                             "img", "img1", "img1x", "img9", "img010", "img10"}));
  EXPECT_FALSE(natural_less("img7", "img7"));
}

TEST(ListSome, CountsTheRest) {
  EXPECT_EQ(list_some({"a"}), "a");
  EXPECT_EQ(list_some({"a", "b", "c"}, 3), "a, b, c");
  EXPECT_EQ(list_some({"a", "b", "c", "d"}, 2), "a, b and 2 more");
}

TEST(Split, KeepsEmptyParts) {
  EXPECT_EQ(split("a,b,,c", ','), (std::vector<std::string>{"a", "b", "", "c"}));
  EXPECT_EQ(split("", ','), (std::vector<std::string>{""}));
}

}  // namespace
}  // namespace tessera
