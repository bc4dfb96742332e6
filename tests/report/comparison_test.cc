#include "tessera/report/comparison.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tessera/core/file.h"
#include "tests/support.h"

namespace tessera::report {
namespace {

ComparedRun result(const std::string& recipe, int64_t seed, double accuracy, double share = 1) {
  return {.recipe = recipe,
          .share = share,
          .seed = seed,
          .model = "vit_cifar",
          .parameters = recipe == "small" ? 1000000 : 5720000,
          .macs = 2000000,
          .steps = 10,
          .pictures = 160,
          .training_pictures = 320,
          .seconds = 60.0 + static_cast<double>(seed),
          .split = "test",
          .accuracy = accuracy,
          .loss = 1,
          .folder = recipe + "/seed-" + std::to_string(seed)};
}

Comparison three_runs() {
  Comparison comparison{.terms = {"shapes", "1 epoch"}, .runs = {}};
  comparison.add(result("small", 0, 0.5));
  comparison.add(result("a|b", 0, 0.75));
  comparison.add(result("small", 1, 0.6));
  return comparison;
}

TEST(Comparison, MeansAndSampleDeviationsOverSeeds) {
  const std::vector<Standing> standings = three_runs().standings();
  ASSERT_EQ(standings.size(), 2u);
  EXPECT_EQ(standings[0].recipe, "small");
  EXPECT_EQ(standings[0].n, 2);
  EXPECT_DOUBLE_EQ(standings[0].mean, 0.55);
  EXPECT_NEAR(standings[0].deviation, 0.1 / std::sqrt(2.0), 1e-12);
  EXPECT_DOUBLE_EQ(standings[0].seconds, 60.5);
  EXPECT_DOUBLE_EQ(standings[0].epochs, 0.5);
  EXPECT_DOUBLE_EQ(standings[0].training_macs, 3.0 * 2000000 * 160);
  EXPECT_EQ(standings[1].n, 1);
  EXPECT_TRUE(std::isnan(standings[1].deviation));  // one run says nothing of a spread
}

TEST(Comparison, ARunThatComesAgainTakesTheOldOnesPlace) {
  Comparison comparison = three_runs();
  comparison.add(result("small", 0, 0.7));
  EXPECT_EQ(comparison.runs.size(), 3u);
  EXPECT_EQ(comparison.find("small", 1, 0)->accuracy, 0.7);
  EXPECT_EQ(comparison.find("small", 0.5, 0), nullptr);
}

TEST(Comparison, TheTableSaysWhatIsCompared) {
  const std::string text = comparison_markdown(three_runs());
  EXPECT_NE(text.find("Data: `shapes`. Each run: 1 epoch."), std::string::npos);
  EXPECT_NE(text.find("| recipe | n | test top-1 | parameters | operations | epochs | minutes | training |\n"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("| small | 2 | 55.00 ± 7.07 % | 1.00 M | 2.00 M | 0.5 | 1.01 | 960 M |\n"), std::string::npos)
      << text;
  EXPECT_NE(text.find("| a\\|b | 1 | 75.00 % | 5.72 M |"), std::string::npos) << text;
}

TEST(Comparison, FilesAreReadBack) {
  const test::TemporaryFolder folder;
  EXPECT_TRUE(load_comparison(folder.path()).runs.empty());
  const Comparison saved = three_runs();
  save_comparison(folder.path(), saved);
  const Comparison read = load_comparison(folder.path());
  EXPECT_EQ(read.terms, saved.terms);
  ASSERT_EQ(read.runs.size(), 3u);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(read.runs[i].recipe, saved.runs[i].recipe);
    EXPECT_EQ(read.runs[i].accuracy, saved.runs[i].accuracy);
    EXPECT_EQ(read.runs[i].seconds, saved.runs[i].seconds);
    EXPECT_EQ(read.runs[i].folder, saved.runs[i].folder);
  }
  const std::string csv = read_text(folder / "results.csv");
  EXPECT_EQ(csv.find("recipe,share,seed,accuracy,"), 0u);
  EXPECT_NE(csv.find("\nsmall,1.0,1,0.6,"), std::string::npos) << csv;
  EXPECT_EQ(read_text(folder / "compare.md"), comparison_markdown(saved));

  write_atomically(folder / "results.jsonl", std::string_view("{\"recipe\": 3}\n"));
  EXPECT_NE(test::error_of([&] { load_comparison(folder.path()); }).find("results.jsonl"), std::string::npos);
}

TEST(Comparison, ABrokenLineIsNamedAndNothingIsForgotten) {
  const test::TemporaryFolder folder;
  save_comparison(folder.path(), three_runs());
  const std::string whole = read_text(folder / "results.jsonl");
  const auto message = [&](const std::string& text) -> std::string {
    write_atomically(folder / "results.jsonl", std::string_view(text));
    try {
      load_comparison(folder.path());
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  const size_t second = whole.find('\n') + 1;
  EXPECT_NE(message(whole.substr(0, second) + "{\"recipe\": 1}\n" + whole).find("results.jsonl:2: "),
            std::string::npos);
  std::string other = whole;
  other.replace(other.rfind("1 epoch"), 7, "2 hours");
  EXPECT_NE(message(other).find("results.jsonl:3: a run of 2 hours"), std::string::npos);
  EXPECT_EQ(message(whole), "");
}

TEST(Comparison, ThePictureHasAPointForEachOrALineOverShares) {
  Comparison comparison = three_runs();
  const std::string scatter = comparison_svg(comparison);
  EXPECT_EQ(scatter.find("nan"), std::string::npos);
  EXPECT_NE(scatter.find(">small</text>"), std::string::npos);
  EXPECT_NE(scatter.find(">a|b</text>"), std::string::npos);
  EXPECT_NE(scatter.find("over parameters"), std::string::npos);
  EXPECT_EQ(scatter.find("over the share"), std::string::npos);
  EXPECT_NE(scatter.find("<title>small, 1 M: 55 %</title>"), std::string::npos) << scatter;

  comparison.add(result("small", 0, 0.3, 0.05));
  const std::string lines = comparison_svg(comparison);
  EXPECT_NE(lines.find("over the share"), std::string::npos);
  EXPECT_NE(lines.find("<title>small, 5: 30 %</title>"), std::string::npos);
  EXPECT_NE(lines.find("<title>small, 100: 55 %</title>"), std::string::npos);
  const std::vector<Standing> standings = comparison.standings();
  EXPECT_EQ(standings[0].share, 0.05);  // ascending
  EXPECT_EQ(comparison_columns(comparison)[1], "share");
  EXPECT_EQ(comparison_rows(comparison)[0][1], "5 %");
}

TEST(ComparedRun, TakesTheTestScoreOfTheWeightsInUse) {
  train::RunRecord record{.model = "m", .training_pictures = 100, .batch = 10, .ending = "finished", .step = 7};
  EXPECT_NE(test::error_of([&] { compared_run(record, "r", 1, 0, "r/seed-0"); }).find("r/seed-0"), std::string::npos);
  record.scores = {{"val", false, 7, 0.25, 2}};
  EXPECT_EQ(compared_run(record, "r", 1, 0, "").accuracy, 0.25);
  record.scores.push_back({"test", false, 7, 0.5, 2});
  record.scores.push_back({"test", true, 7, 0.75, 2});
  const ComparedRun run = compared_run(record, "r", 1, 0, "");
  EXPECT_EQ(run.split, "test");
  EXPECT_EQ(run.accuracy, 0.75);
  EXPECT_EQ(run.pictures, 70);
}

}  // namespace
}  // namespace tessera::report
