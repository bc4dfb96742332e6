// Every registered model has exactly the parameters that its origin has, or, where the literature gives none of this
// form, those of a count made without tessera (counts.json says how).
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "tessera/core/file.h"
#include "tessera/models/registry.h"
#include "tests/support.h"

namespace tessera::models {
namespace {

std::map<std::string, int64_t> known_counts() {
  std::map<std::string, int64_t> counts;
  const auto add = [&](const std::filesystem::path& path) {
    const auto json = nlohmann::json::parse(read_text(path));
    for (const auto& [origin, models] : json.items()) {
      if (!models.is_object()) continue;
      for (const auto& [name, count] : models.items())
        if (count.is_number()) counts.emplace(name, count.get<int64_t>());
    }
  };
  add(test::golden_path("models/parameters.json"));
  add(std::filesystem::path(TESSERA_SOURCE_DIR) / "tests" / "models" / "counts.json");
  return counts;
}

TEST(Models, HaveExactParameterCounts) {
  const std::map<std::string, int64_t> known = known_counts();
  for (const std::string& name : registry().variants.names()) {
    const auto expected = known.find(name);
    ASSERT_NE(expected, known.end()) << "nobody says how many parameters '" << name << "' has";
    EXPECT_EQ(build(architecture_of(name))->num_parameters(), expected->second) << name;
  }
}

// A picture's way through a model passes all of its parameters, and ends at the classes.
TEST(Models, ShapesTellEveryParameter) {
  for (const std::string& name : registry().variants.names()) {
    SCOPED_TRACE(name);
    const auto model = build(architecture_of(name));
    const std::vector<ShapeStep> steps = model->shapes();
    int64_t parameters = 0;
    for (const ShapeStep& step : steps) parameters += step.parameters;
    EXPECT_EQ(parameters, model->num_parameters());
    if (model->num_classes() > 0) {
      EXPECT_EQ(steps.back().shape, Shape{model->num_classes()});
    }
  }
}

TEST(Models, RefusePicturesOfWhichNothingIsLeft) {
  for (const char* name : {"alexnet", "vgg11", "densenet121"})
    EXPECT_THROW(build(with_settings(architecture_of(name), {{"img_size", "4"}})), UsageError) << name;
}

// Layer-wise decay finds every parameter a layer: none beyond the head, the first at the stem, the head's at the end.
TEST(Models, GiveEveryParameterALayer) {
  for (const std::string& name : registry().variants.names()) {
    SCOPED_TRACE(name);
    const auto model = build(architecture_of(name));
    const std::vector<std::string> heads = model->head_parameters();
    std::vector<bool> seen(static_cast<size_t>(model->num_layers()));
    for (const nn::Parameter& parameter : model->parameters()) {
      const int64_t layer = model->layer_of(parameter.name);
      ASSERT_GE(layer, 0) << parameter.name;
      ASSERT_LT(layer, model->num_layers()) << parameter.name;
      seen[static_cast<size_t>(layer)] = true;
      if (std::find(heads.begin(), heads.end(), parameter.name) != heads.end()) {
        EXPECT_EQ(layer, model->num_layers() - 1) << parameter.name;
      }
    }
    EXPECT_EQ(model->layer_of(model->parameters().front().name), 0);
    if (!heads.empty()) {
      EXPECT_EQ(std::count(seen.begin(), seen.end(), false), 0) << "a layer without parameters";
    }
  }
}

}  // namespace
}  // namespace tessera::models
