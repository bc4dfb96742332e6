// tessera bench: what it counts. How long things take is not for a test.
#include <gtest/gtest.h>

#include <algorithm>
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

// Steps are without dropout, wherever an architecture has it.
TEST(Roofline, DropsNothing) {
  const test::TemporaryFolder folder;
  write_atomically(
      folder / "net.toml",
      std::string_view("family = \"network\"\nimg_size = 8\nnum_classes = 3\n"
                       "layers = [\"conv 8 3x3, relu\", \"global_pool, dropout 0.5\", \"linear classes\"]\n"));
  for (const auto& [flag, model] : {std::pair{"--architecture", "net.toml"}, {"--model", "mobilenet_v2_cifar"}}) {
    const test::Outcome run = test::run_tessera(
        {"bench", "roofline", "--of", "train", flag, model, "--batch", "2", "--json", "--seconds", "0.01"},
        folder.path());
    ASSERT_EQ(run.code, 0) << run.err;
    EXPECT_EQ(run.out.find("dropout"), std::string::npos) << run.out;
    EXPECT_NE(run.out.find("convolution"), std::string::npos) << run.out;
  }
}

// Of hw patches and a class token in width C, global attention takes 2N²C multiply-accumulates a block.
TEST(Complexity, CountsAttentionAndWritesItsFiles) {
  const test::TemporaryFolder folder;
  const test::Outcome run =
      test::run_tessera({"bench", "complexity", "--models", "vit_tiny_patch16_224,vit_small_patch16_224", "--sizes",
                         "32,64", "--seconds", "0.001", "--json", "--out", "c"},
                        folder.path());
  ASSERT_EQ(run.code, 0) << run.err;
  const auto rows = nlohmann::json::parse(run.out);
  ASSERT_EQ(rows.size(), 4u);
  for (const auto& row : rows) {
    const double C = row["model"] == "vit_tiny_patch16_224" ? 192 : 384, N = row["tokens"].get<double>() + 1;
    EXPECT_EQ(row["tokens"], row["size"] == 32 ? 4 : 16);
    EXPECT_DOUBLE_EQ(row["attention_macs"], 12 * 2 * N * N * C);
    EXPECT_LT(row["attention_macs"], row["macs"]);
    EXPECT_GT(row["ms"], 0);
    EXPECT_GT(row["attention_ms"], 0);
  }
  auto model =
      models::build(models::with_settings(models::architecture_of("vit_tiny_patch16_224"), {{"img_size", "64"}}));
  EXPECT_EQ(rows[1]["macs"], static_cast<double>(model->macs()));
  const std::string csv = read_text(folder / "c.csv");
  EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'), 5);
  const std::string svg = read_text(folder / "c.svg");
  EXPECT_NE(svg.find("vit_tiny_patch16_224: measured, slope "), std::string::npos);
  EXPECT_EQ(svg.find("nan"), std::string::npos);

  EXPECT_EQ(test::run_tessera({"bench", "complexity", "--models", "vit_tny_patch16_224"}, folder.path()).code, 2);
}

TEST(Roofline, KnowsWholeNumbers) {
  const auto model = models::build(models::architecture_of("vit_mnist"));
  EXPECT_DOUBLE_EQ(roofline({"--precision", "int8"})["operations"], 2 * 3 * static_cast<double>(model->macs()));
}

}  // namespace
}  // namespace tessera
