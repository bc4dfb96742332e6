// Every registered model has exactly the parameters that its origin has, or, where the literature gives none of this
// form, those of a count made without tessera (counts.json says how).
#include <gtest/gtest.h>

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

}  // namespace
}  // namespace tessera::models
