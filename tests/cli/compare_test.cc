// tessera compare, from the outside: its table against the runs' own records, stopped and gone on with, extended.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <csignal>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <thread>

#include "tests/cli/program.h"
#include "tests/sha256.h"

namespace tessera {
namespace {

using nlohmann::json;
using test::Outcome;
using test::run_tessera;
using test::TemporaryFolder;

// A comparison whose runs take well under a second each.
std::vector<std::string> tiny(std::vector<std::string> more) {
  std::vector<std::string> words = {"compare",    "--data",    "shapes",     "--data-set", "size=16",
                                    "--data-set", "train=96",  "--data-set", "test=32",    "--batch",
                                    "16",         "--threads", "1"};
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

void write_recipes(const TemporaryFolder& folder) {
  const std::string common = "model = \"vit_cifar\"\nepochs = 7\n";  // a length that the command's takes the place of
  write_atomically(
      folder / "narrow.toml",
      std::string_view(common + "set = [\"img_size=16\", \"depth=1\", \"embed_dim=16\", \"num_heads=2\"]\n"));
  write_atomically(
      folder / "wide.toml",
      std::string_view(common +
                       "lr = 0.002\nset = [\"img_size=16\", \"depth=1\", \"embed_dim=24\", \"num_heads=2\"]\n"));
}

json record_of(const std::filesystem::path& run) { return json::parse(read_text(run / "run.json")); }

std::vector<json> results(const std::filesystem::path& folder) {
  std::vector<json> lines;
  std::istringstream text(read_text(folder / "results.jsonl"));
  for (std::string line; std::getline(text, line);) lines.push_back(json::parse(line));
  return lines;
}

TEST(Compare, TheTableHoldsWhatTheRunsSay) {
  const TemporaryFolder folder;
  write_recipes(folder);
  const auto words = tiny({"narrow.toml", "wide.toml", "--epochs", "2", "--seeds", "2", "--out", "c"});
  const Outcome run = run_tessera(words, folder.path());
  ASSERT_EQ(run.code, 0) << run.err;
  EXPECT_EQ(run.err, "");
  const std::vector<json> rows = results(folder / "c");
  ASSERT_EQ(rows.size(), 4u);
  double mean = 0, squares = 0;
  for (const json& row : rows) {
    const json record = record_of(folder / "c" / row["folder"].get<std::string>());
    EXPECT_EQ(row["accuracy"], record["scores"].back()["accuracy"]);
    EXPECT_EQ(record["scores"].back()["split"], "test");
    EXPECT_EQ(row["parameters"], record["parameters"]);
    EXPECT_EQ(row["macs"], record["macs"]);
    EXPECT_GT(row["macs"], 0);
    EXPECT_EQ(row["steps"], record["step"]);
    EXPECT_EQ(row["pictures"], record["step"].get<int64_t>() * 16);
    EXPECT_EQ(row["seconds"], record["seconds_trained"]);
    EXPECT_EQ(record["options"]["epochs"], 2);
    EXPECT_EQ(record["options"]["seed"], row["seed"]);
    EXPECT_EQ(record["options"]["lr"], row["recipe"] == "wide" ? 0.002 : 0.001);
    EXPECT_EQ(record["options"]["batch"], 16);
    if (row["recipe"] == "wide") mean += row["accuracy"].get<double>() / 2;
  }
  for (const json& row : rows)
    if (row["recipe"] == "wide") squares += std::pow(row["accuracy"].get<double>() - mean, 2);
  const std::string cell = fmt::format("{:.2f} ± {:.2f} %", 100 * mean, 100 * std::sqrt(squares));
  EXPECT_NE(read_text(folder / "c/compare.md").find("| wide | 2 | " + cell + " |"), std::string::npos) << cell;
  EXPECT_NE(run.out.find(cell), std::string::npos) << run.out;
  EXPECT_NE(read_text(folder / "c/compare.svg").find(">wide</text>"), std::string::npos);

  // A run alone is the same as within a comparison, to the bit.
  ASSERT_EQ(run_tessera({"train",      "--data",   "shapes",  "--data-set", "size=16",   "--data-set", "train=96",
                         "--data-set", "test=32",  "--batch", "16",         "--threads", "1",          "--recipe",
                         "wide.toml",  "--epochs", "2",       "--seed",     "1",         "--out",      "alone"},
                        folder.path())
                .code,
            0);
  EXPECT_EQ(record_of(folder / "alone")["scores"], record_of(folder / "c/wide/seed-1")["scores"]);
}

TEST(Compare, WhatIsDoneIsNotDoneAgainAndMoreMayFollow) {
  const TemporaryFolder folder;
  write_recipes(folder);
  ASSERT_EQ(run_tessera(tiny({"narrow.toml", "--steps", "3", "--out", "c"}), folder.path()).code, 0);
  const std::string before = read_text(folder / "c/narrow/seed-0/run.json");
  const Outcome again = run_tessera(tiny({"narrow.toml", "--steps", "3", "--out", "c"}), folder.path());
  ASSERT_EQ(again.code, 0) << again.err;
  EXPECT_NE(again.out.find("1 of 1 runs are done already"), std::string::npos) << again.out;
  EXPECT_EQ(read_text(folder / "c/narrow/seed-0/run.json"), before);

  // Another recipe and another seed: the table has all of them.
  ASSERT_EQ(run_tessera(tiny({"wide.toml", "--steps", "3", "--seeds", "2", "--out", "c"}), folder.path()).code, 0);
  EXPECT_EQ(read_text(folder / "c/narrow/seed-0/run.json"), before);
  EXPECT_EQ(results(folder / "c").size(), 3u);
  EXPECT_NE(read_text(folder / "c/compare.md").find("| narrow | 1 |"), std::string::npos);
  EXPECT_NE(read_text(folder / "c/compare.md").find("| wide | 2 |"), std::string::npos);

  // What does not belong to it is refused before anything is trained.
  const auto refused = [&](std::vector<std::string> words, const std::string& what) {
    const Outcome run = run_tessera(tiny(std::move(words)), folder.path());
    EXPECT_EQ(run.code, 2) << what;
    EXPECT_EQ(run.complaints(), 1) << run.err;
    EXPECT_TRUE(run.says(what)) << run.err;
    EXPECT_EQ(run.out, "");
  };
  refused({"narrow.toml", "--steps", "4", "--out", "c"}, "c compares runs of 3 steps");
  refused({"narrow.toml", "--steps", "3", "--out", "c", "--clip", "2"}, "clip is 1.0 there and 2.0 here");
  refused({"narrow.toml", "narrow.toml", "--steps", "3", "--out", "d"}, "'narrow' is named twice");
  refused({"narow", "--steps", "3", "--out", "d"}, "no registered model 'narow'");
  refused({"vit_cifr", "--steps", "3", "--out", "d"}, "did you mean 'vit_cifar'?");
  refused({"narrow.toml", "--steps", "3", "--out", "d", "--share="}, "option '--share' is empty");
  refused({"narrow.toml", "wide.toml", "--steps", "3", "--out", "d", "--val-fraction", "0", "--patience", "3"},
          "narrow: patience needs a validation part");
  refused({"narrow.toml", "--steps", "3", "--out", "d", "--loss", "complex_cross_entropy"},
          "narrow: loss complex_cross_entropy reads complex outputs");
  write_atomically(folder / "few.toml", std::string_view("model = \"vit_cifar\"\nclasses = [\"disc\", \"ring\"]\n"));
  refused({"few.toml", "--steps", "3", "--out", "d"}, "few.toml: 'classes' is for all runs");
  refused({"narrow.toml", "--out", "d"}, "--minutes, --epochs, --macs and --steps");
  refused({"vit_cifar", "--model", "vit_mnist", "--steps", "3", "--out", "d"}, "'vit_cifar' is a model itself");
  EXPECT_FALSE(std::filesystem::exists(folder / "d"));
}

TEST(Compare, RunsOfAnotherNetworkAreNotMixed) {
  const TemporaryFolder folder;
  const auto write_network = [&](const char* width) {
    write_atomically(folder / "net.toml",
                     fmt::format("family = \"network\"\nimg_size = 16\nlayers = [\"conv {} 3x3, relu\", "
                                 "\"global_pool\", \"linear classes\"]\n",
                                 width));
  };
  write_atomically(folder / "own.toml", std::string_view("architecture = \"net.toml\"\n"));
  write_network("4");
  const Outcome first = run_tessera(tiny({"own.toml", "--steps", "2", "--out", "c"}), folder.path());
  ASSERT_EQ(first.code, 0) << first.err;
  write_network("8");
  const Outcome second = run_tessera(tiny({"own.toml", "--steps", "2", "--seeds", "2", "--out", "c"}), folder.path());
  EXPECT_EQ(second.code, 2);
  EXPECT_TRUE(second.says("was made with another network")) << second.err;
}

TEST(Compare, GoesOnAfterASignal) {
  const TemporaryFolder folder;
  write_recipes(folder);
  const auto words = [](const std::string& out) {
    return tiny({"narrow.toml", "wide.toml", "--steps", "40", "--out", out, "--checkpoint-every", "1"});
  };
  ASSERT_EQ(run_tessera(words("whole"), folder.path()).code, 0);
  const pid_t child = test::start_tessera(words("c"), folder.path());
  while (!std::filesystem::exists(folder / "c/wide/seed-0/checkpoint.safetensors"))
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  kill(child, SIGINT);
  const int code = test::wait_for(child);
  if (code == 0) GTEST_SKIP() << "all was over before the signal";
  EXPECT_EQ(code, 128 + SIGINT);
  EXPECT_EQ(record_of(folder / "c/wide/seed-0")["ending"], "interrupted");
  EXPECT_EQ(results(folder / "c").size(), 1u);
  const Outcome rest = run_tessera(words("c"), folder.path());
  ASSERT_EQ(rest.code, 0) << rest.err;
  EXPECT_NE(rest.out.find("goes on after step"), std::string::npos) << rest.out;
  for (const char* run : {"narrow", "wide"})
    EXPECT_EQ(test::sha256(read_file(folder / "c" / run / "seed-0/model.safetensors")),
              test::sha256(read_file(folder / "whole" / run / "seed-0/model.safetensors")));
}

TEST(Compare, SharesOfThePicturesAndABudgetOfOperations) {
  const TemporaryFolder folder;
  write_recipes(folder);
  const Outcome run = run_tessera(
      tiny({"narrow.toml", "wide.toml", "--macs", "3e8", "--share", "0.5,1", "--val-fraction", "0", "--out", "c"}),
      folder.path());
  ASSERT_EQ(run.code, 0) << run.err;
  std::set<std::string> folders;
  for (const json& row : results(folder / "c")) {
    folders.insert(row["folder"]);
    EXPECT_EQ(row["training_pictures"], row["share"] == 1.0 ? 96 : 48);
    const double spent = row["training_macs"], step = 3.0 * row["macs"].get<double>() * 16;
    EXPECT_LE(spent, 3e8);
    EXPECT_GT(spent + step, 3e8);
  }
  EXPECT_EQ(folders, (std::set<std::string>{"narrow/seed-0", "narrow/share-0.5-seed-0", "wide/seed-0",
                                            "wide/share-0.5-seed-0"}));
  EXPECT_NE(read_text(folder / "c/compare.md").find("| wide | 50 % | 1 |"), std::string::npos);
}

TEST(Compare, ARunThatFailsLeavesTheOthersAlone) {
  const TemporaryFolder folder;
  write_recipes(folder);
  write_atomically(folder / "wild.toml",
                   std::string_view("model = \"vit_cifar\"\nset = [\"img_size=16\", \"depth=1\"]\n"
                                    "lr = 1e30\nwarmup = 0\nclip = 0\n"));
  const Outcome run = run_tessera(tiny({"wild.toml", "narrow.toml", "--steps", "8", "--out", "c"}), folder.path());
  EXPECT_EQ(run.code, 1);
  EXPECT_TRUE(run.says("wild, seed 0: the ")) << run.err;
  EXPECT_TRUE(run.says("1 of 2 runs failed")) << run.err;
  ASSERT_EQ(results(folder / "c").size(), 1u);
  EXPECT_EQ(results(folder / "c")[0]["recipe"], "narrow");
}

}  // namespace
}  // namespace tessera
