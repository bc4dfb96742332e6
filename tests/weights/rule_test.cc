#include "tessera/weights/rule.h"

#include <gtest/gtest.h>

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
