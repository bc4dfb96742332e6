#include "tessera/train/groups.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "tessera/core/file.h"
#include "tessera/models/registry.h"
#include "tests/support.h"
#include "tests/train/tiny_model.h"

namespace tessera::train {
namespace {

TEST(Groups, DecayWhatTheOptionSays) {
  test::TinyModel model({{"token", {1, 1, 4}}, {"weight", {3, 3}}, {"bias", {3}}, {"scale", {4}}});
  FlatParameters flat(model);
  const auto decays = [&](Decayed decayed) {
    std::vector<double> of_parameter;
    const auto groups = parameter_groups(model, flat, {.weight_decay = 0.1, .decayed = decayed});
    EXPECT_EQ(groups.front().begin, 0);
    EXPECT_EQ(groups.back().end, flat.size());
    for (const auto& slice : flat.slices())
      for (const Group& group : groups)
        if (group.begin <= slice.begin && slice.begin + slice.size <= group.end)
          of_parameter.push_back(group.weight_decay);
    return of_parameter;
  };
  EXPECT_EQ(decays(Decayed::weights), (std::vector<double>{0, 0.1, 0, 0}));
  EXPECT_EQ(decays(Decayed::two_dimensional), (std::vector<double>{0.1, 0.1, 0, 0}));
  EXPECT_EQ(decays(Decayed::everything), (std::vector<double>{0.1, 0.1, 0.1, 0.1}));
}

TEST(Groups, NeighboursWithOneRateAreOneRange) {
  test::TinyModel model({{"a", {3}}, {"b", {20}}, {"c", {2, 2}}});
  FlatParameters flat(model);
  const auto groups = parameter_groups(model, flat, {.weight_decay = 0.1});
  ASSERT_EQ(groups.size(), 2u);
  EXPECT_EQ(groups[0].end, 48);
  EXPECT_EQ(groups[1].end, 64);
}

TEST(Groups, AreTimmsForAVit) {
  using nlohmann::json;
  const json c = json::parse(read_text(test::golden_path("train/schedules.json")))["parameter_groups"][0];
  const auto model = models::build(models::architecture_of(c["model"]));
  FlatParameters flat(*model);
  ASSERT_EQ(flat.slices().size(), c["parameters"].size());
  const auto compare = [&](const GroupOptions& options, const char* lr_scale, const char* weight_decay) {
    const auto groups = parameter_groups(*model, flat, options);
    for (const auto& slice : flat.slices()) {
      const auto group =
          std::find_if(groups.begin(), groups.end(), [&](const Group& g) { return slice.begin < g.end; });
      const json& expected = c["parameters"].at(slice.name);
      EXPECT_NEAR(group->lr_scale, lr_scale ? expected[lr_scale].get<double>() : 1.0, 1e-15) << slice.name;
      EXPECT_EQ(group->weight_decay, expected[weight_decay].get<double>()) << slice.name;
    }
  };
  compare({.weight_decay = c["weight_decay"], .layer_decay = c["layer_decay"]}, "lr_scale", "weight_decay");
  compare({.weight_decay = c["weight_decay"]}, nullptr, "weight_decay_without_layer_decay");
  compare({.weight_decay = c["weight_decay"], .decayed = Decayed::two_dimensional}, nullptr,
          "weight_decay_with_empty_skip_list");
}

TEST(Groups, LayersFarFromTheHeadLearnSlower) {
  test::TinyModel model({{"a", {3}}, {"b", {20}}, {"c", {2, 2}}});
  FlatParameters flat(model);
  const auto groups = parameter_groups(model, flat, {.layer_decay = 0.5});
  ASSERT_EQ(groups.size(), 3u);
  EXPECT_EQ(groups[0].lr_scale, 0.25);
  EXPECT_EQ(groups[1].lr_scale, 0.5);
  EXPECT_EQ(groups[2].lr_scale, 1);
}

}  // namespace
}  // namespace tessera::train
