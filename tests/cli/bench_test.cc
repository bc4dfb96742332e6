// tessera bench: what it counts. How long things take is not for a test.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tessera/models/registry.h"
#include "tests/cli/program.h"

namespace tessera {
namespace {

nlohmann::json roofline(std::vector<std::string> more) {
  const test::TemporaryFolder folder;
  std::vector<std::string> words = {"bench", "roofline", "--model",   "vit_mnist", "--batch",
                                    "3",     "--json",   "--seconds", "0.01"};
  words.insert(words.end(), more.begin(), more.end());
  const test::Outcome run = test::run_tessera(words, folder.path());
  EXPECT_EQ(run.code, 0) << run.err;
  return nlohmann::json::parse(run.out);
}

// Every product of the step is there once, so the operations are those that `tessera info` counts, three times in
// training, but for the first layer's input, which gets no gradient, and attention, which has five products for two.
TEST(Roofline, CountsEveryProduct) {
  const auto model = models::build(models::architecture_of("vit_mnist"));
  double macs = 0, embed = 0, attention = 0;
  for (const models::ShapeStep& step : model->shapes()) {
    macs += static_cast<double>(step.macs);
    if (step.what == "patch_embed") embed = static_cast<double>(step.macs);
  }
  attention = 4 * 2.0 * 49 * 49 * 96;  // of four blocks
  EXPECT_DOUBLE_EQ(roofline({})["operations"], 2 * 3 * macs);
  EXPECT_DOUBLE_EQ(roofline({"--of", "train"})["operations"], 2 * 3 * (3 * macs - embed + 0.5 * attention));
}

TEST(Roofline, KnowsWholeNumbers) {
  const auto model = models::build(models::architecture_of("vit_mnist"));
  EXPECT_DOUBLE_EQ(roofline({"--precision", "int8"})["operations"], 2 * 3 * static_cast<double>(model->macs()));
}

}  // namespace
}  // namespace tessera
