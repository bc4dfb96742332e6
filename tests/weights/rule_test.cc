#include "tessera/weights/rule.h"

#include <gtest/gtest.h>

#include "tests/support.h"

namespace tessera::weights {
namespace {

TEST(Rule, PlaceholdersStandForOneComponent) {
  const auto captures = match("encoder.layer.{i}.output.dense.{p}", "encoder.layer.11.output.dense.bias");
  ASSERT_TRUE(captures);
  EXPECT_EQ(filled("blocks.{i}.mlp.fc2.{p}", *captures), "blocks.11.mlp.fc2.bias");
  // "output.dense" is a tail of "attention.output.dense": whole names are matched.
  EXPECT_FALSE(match("encoder.layer.{i}.output.dense.{p}", "encoder.layer.11.attention.output.dense.bias"));
  EXPECT_FALSE(match("blocks.{i}.x", "blocks.1.2.x"));
  EXPECT_FALSE(match("a.{i}", "a."));
}

TEST(Rule, APlaceholderMayBePartOfAComponentAndStandTwice) {
  EXPECT_EQ(match("l_{i}.in_proj_{p}", "l_3.in_proj_weight")->at("p"), "weight");
  EXPECT_TRUE(match("{a}.{a}", "x.x"));
  EXPECT_FALSE(match("{a}.{a}", "x.y"));
}

TEST(Rule, APatternMayCountFromOne) {
  const auto captures = match("block{s+1}/unit{u+1}/kernel", "block2/unit10/kernel");
  ASSERT_TRUE(captures);
  EXPECT_EQ(filled("stages.{s}.blocks.{u}.weight", *captures), "stages.1.blocks.9.weight");
  EXPECT_EQ(filled("block{s+1}/unit{u+1}/kernel", *captures), "block2/unit10/kernel");
  for (const char* none : {"block0/unit1/kernel", "block01/unit1/kernel", "blockx/unit1/kernel",
                           "block99999999999999999999/unit1/kernel", "block-1/unit1/kernel"})
    EXPECT_FALSE(match("block{s+1}/unit{u+1}/kernel", none)) << none;
  EXPECT_NE(test::error_of([] { filled("{i+1}", {{"i", "x"}}); }).find("not for 'x'"), std::string::npos);
}

TEST(Rule, TailsBeginAtSeparators) {
  EXPECT_EQ(match_tail("blocks.{i}.w", "model.blocks.0.w"), 6u);
  EXPECT_EQ(match_tail("blocks.{i}.w", "params/blocks.0.w"), 7u);
  EXPECT_FALSE(match_tail("blocks.{i}.w", "myblocks.0.w"));
}

TEST(Rule, GlobsOfUsers) {
  EXPECT_TRUE(matches_glob("head*", "head.weight"));
  EXPECT_TRUE(matches_glob("*.mask*", "a.mask_token"));
  EXPECT_FALSE(matches_glob("head", "head.weight"));
}

// A name of megabytes, as a hostile file may have it, costs nothing.
TEST(Rule, VeryLongNamesMatchNothing) {
  const std::string name(8 << 20, 'a');
  EXPECT_FALSE(match("{a}{b}{c}{d}", name));
  EXPECT_FALSE(match_tail("{a}{b}{c}{d}", name));
  EXPECT_FALSE(matches_glob("*a*b*c*", name));
}

}  // namespace
}  // namespace tessera::weights
