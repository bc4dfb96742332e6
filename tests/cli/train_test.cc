// tessera train, from the outside: with little said, stopped and resumed, and when it goes wrong.
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <thread>

#include "tessera/core/random.h"
#include "tessera/image/encode_png.h"
#include "tessera/weights/model_file.h"
#include "tests/cli/program.h"
#include "tests/cli/tiny_model.h"
#include "tests/sha256.h"

namespace tessera {
namespace {

using test::Outcome;
using test::run_tessera;
using test::TemporaryFolder;

// A run of a second or less.
std::vector<std::string> tiny(std::vector<std::string> more) {
  std::vector<std::string> words = {"train",      "--data",   "shapes",       "--data-set", "size=16",
                                    "--data-set", "train=96", "--data-set",   "test=32",    "--set",
                                    "depth=1",    "--set",    "embed_dim=16", "--set",      "num_heads=2",
                                    "--batch",    "16",       "--threads",    "1"};
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

std::string sha_of(const std::filesystem::path& file) { return test::sha256(read_file(file)); }

TEST(Train, SaysWhereEverythingLiesAndEvalAgrees) {
  const TemporaryFolder folder;
  const Outcome first = run_tessera(tiny({"--steps", "10"}), folder.path());
  ASSERT_EQ(first.code, 0) << first.err;
  EXPECT_EQ(first.err, "");
  for (const char* name : {"model.safetensors", "report.html", "metrics.csv", "metrics.jsonl", "run.json",
                           "checkpoint.safetensors", "tensorboard"})
    EXPECT_TRUE(std::filesystem::exists(folder / "runs/vit_cifar-1" / name)) << name;
  EXPECT_NE(first.out.find("tessera predict runs/vit_cifar-1/model.safetensors"), std::string::npos) << first.out;

  const auto record = nlohmann::json::parse(read_text(folder / "runs/vit_cifar-1/run.json"));
  const Outcome eval = run_tessera({"eval", "runs/vit_cifar-1/model.safetensors", "--data", "shapes", "--data-set",
                                    "size=16", "--data-set", "train=96", "--data-set", "test=32", "--json"},
                                   folder.path());
  ASSERT_EQ(eval.code, 0) << eval.err;
  EXPECT_EQ(nlohmann::json::parse(eval.out)["top1"], record["scores"].back()["accuracy"]);

  // Pictures of the data set, with their true classes, and the folder of the run in place of the file.
  const Outcome some = run_tessera({"predict", "runs/vit_cifar-1", "--data", "shapes", "--data-set", "size=16",
                                    "--data-set", "test=32", "--count", "3", "--json"},
                                   folder.path());
  ASSERT_EQ(some.code, 0) << some.err;
  const auto list = nlohmann::json::parse(some.out);
  ASSERT_EQ(list.size(), 3u);
  EXPECT_EQ(list[2]["label"], "circle");

  ASSERT_EQ(run_tessera(tiny({"--steps", "1"}), folder.path()).code, 0);
  EXPECT_TRUE(std::filesystem::exists(folder / "runs/vit_cifar-2/model.safetensors"));
}

TEST(Train, GoesOnAfterASignalToTheSameWeights) {
  const TemporaryFolder folder;
  ASSERT_EQ(run_tessera(tiny({"--steps", "40", "--out", "whole"}), folder.path()).code, 0);
  const pid_t child =
      test::start_tessera(tiny({"--steps", "40", "--out", "a run", "--checkpoint-every", "1"}), folder.path(), "begin");
  while (!std::filesystem::exists(folder / "a run/checkpoint.safetensors"))
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  kill(child, SIGTERM);
  const int code = test::wait_for(child);
  if (code == 0) GTEST_SKIP() << "the run was over before the signal";
  EXPECT_EQ(code, 128 + SIGTERM);
  const std::string said = read_text(folder / "begin");
  EXPECT_NE(said.find("  tessera train --data shapes"), std::string::npos) << said;
  EXPECT_NE(said.find("--out 'a run' --checkpoint-every 1 --resume\n"), std::string::npos) << said;
  EXPECT_FALSE(std::filesystem::exists(folder / "a run/model.safetensors"));

  const auto again = tiny({"--steps", "40", "--out", "a run", "--resume"});
  ASSERT_EQ(run_tessera(again, folder.path()).code, 0);
  EXPECT_EQ(sha_of(folder / "a run/model.safetensors"), sha_of(folder / "whole/model.safetensors"));
  const Outcome finished = run_tessera(again, folder.path());
  EXPECT_EQ(finished.code, 0);
  EXPECT_NE(finished.out.find("finished"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(folder / "report.html"));  // its page is in its folder
}

TEST(Train, RefusesToMixRuns) {
  const TemporaryFolder folder;
  ASSERT_EQ(run_tessera(tiny({"--steps", "4", "--out", "run"}), folder.path()).code, 0);
  const std::string before = sha_of(folder / "run/checkpoint.safetensors");
  const Outcome twice = run_tessera(tiny({"--steps", "4", "--out", "run"}), folder.path());
  EXPECT_EQ(twice.code, 2);
  EXPECT_EQ(twice.complaints(), 1);
  EXPECT_TRUE(twice.says("--resume")) << twice.err;
  const Outcome other =
      run_tessera(tiny({"--steps", "4", "--out", "run", "--resume", "--set", "mlp_ratio=3"}), folder.path());
  EXPECT_EQ(other.code, 1);
  EXPECT_EQ(other.complaints(), 1);
  EXPECT_TRUE(other.says("run/checkpoint.safetensors")) << other.err;
  EXPECT_TRUE(other.says("mlp_ratio")) << other.err;
  EXPECT_EQ(sha_of(folder / "run/checkpoint.safetensors"), before);

  std::vector<std::byte> bytes = read_file(folder / "run/checkpoint.safetensors");
  bytes.resize(bytes.size() - 100);
  write_atomically(folder / "run/checkpoint.safetensors", bytes);
  const Outcome truncated = run_tessera(tiny({"--steps", "4", "--out", "run", "--resume"}), folder.path());
  EXPECT_EQ(truncated.code, 1);
  EXPECT_EQ(truncated.complaints(), 1);
  EXPECT_TRUE(truncated.says("run/checkpoint.safetensors")) << truncated.err;
}

TEST(Train, StopsWhereTheLossIsNoNumber) {
  const TemporaryFolder folder;
  const Outcome run =
      run_tessera(tiny({"--steps", "20", "--out", "run", "--lr", "1e30", "--warmup", "0", "--checkpoint-every", "1"}),
                  folder.path());
  EXPECT_EQ(run.code, 1);
  EXPECT_EQ(run.complaints(), 1) << run.err;
  EXPECT_TRUE(run.says("at step ")) << run.err;
  EXPECT_FALSE(std::filesystem::exists(folder / "run/model.safetensors"));
}

TEST(Train, ARecipeSaysWhatNoFlagSays) {
  const TemporaryFolder folder;
  write_atomically(folder / "r.toml", std::string_view("steps = 3\n[optimiser]\nlr = 0.5\nweight_decay = 0.25\n"));
  ASSERT_EQ(run_tessera(tiny({"--recipe", "r.toml", "--lr", "0.125", "--out", "run"}), folder.path()).code, 0);
  const auto options = nlohmann::json::parse(read_text(folder / "run/run.json"))["options"];
  EXPECT_EQ(options["steps"], 3);
  EXPECT_EQ(options["lr"], 0.125);
  EXPECT_EQ(options["weight_decay"], 0.25);
  write_atomically(folder / "r.toml", std::string_view("wieght_decay = 0.25\n"));
  const Outcome wrong = run_tessera(tiny({"--recipe", "r.toml"}), folder.path());
  EXPECT_EQ(wrong.code, 2);
  EXPECT_EQ(wrong.err, "tessera: r.toml:1: unknown option 'wieght_decay', did you mean 'weight_decay'?\n");
}

TEST(Train, ATeacherIsFollowedAndBelongsToTheRun) {
  const TemporaryFolder folder;
  const auto run = [&](std::vector<std::string> more) { return run_tessera(tiny(std::move(more)), folder.path()); };
  ASSERT_EQ(run({"--steps", "4", "--out", "a"}).code, 0);
  ASSERT_EQ(run({"--steps", "4", "--seed", "1", "--out", "b"}).code, 0);
  const auto taught = [&](const std::string& teacher, const std::string& out, std::vector<std::string> more = {}) {
    std::vector<std::string> words = {"--steps",   "4",
                                      "--set",     "class_token=true",
                                      "--set",     "global_pool=token",
                                      "--set",     "distilled=true",
                                      "--distill", "soft",
                                      "--teacher", teacher,
                                      "--out",     out};
    words.insert(words.end(), more.begin(), more.end());
    return run(words);
  };
  ASSERT_EQ(taught("a", "by a").code, 0);
  ASSERT_EQ(taught("b/model.safetensors", "by b").code, 0);
  const auto head_of = [&](const std::string& out, const char* name) {
    const auto arrays = formats::read_safetensors(folder / out / "model.safetensors").arrays;
    return formats::to_f32(formats::at(arrays, name));
  };
  EXPECT_NE(head_of("by a", "head_dist.weight"), head_of("by b", "head_dist.weight"));

  const Outcome swapped = taught("b", "by a", {"--resume"});
  EXPECT_EQ(swapped.code, 1);
  EXPECT_EQ(swapped.complaints(), 1) << swapped.err;
  EXPECT_TRUE(swapped.says("another teacher")) << swapped.err;
  EXPECT_FALSE(std::filesystem::exists(folder / "report.html"));
  const Outcome nobody = run({"--steps", "4", "--distill", "hard", "--out", "c"});
  EXPECT_EQ(nobody.code, 2);
  EXPECT_TRUE(nobody.says("--teacher FILE")) << nobody.err;
  const Outcome others = run({"--steps", "4", "--classes", "ring,square,star", "--teacher", "a", "--out", "c"});
  EXPECT_EQ(others.code, 1);
  EXPECT_EQ(others.complaints(), 1) << others.err;
  EXPECT_TRUE(others.says("classes")) << others.err;
  EXPECT_FALSE(std::filesystem::exists(folder / "c"));
}

TEST(Train, FoldersOfPicturesNeedNothingMore) {
  const TemporaryFolder folder;
  for (const char* name : {"dark", "light"}) {
    std::filesystem::create_directories(folder / "pictures" / name);
    for (uint64_t i = 0; i < 20; ++i) {
      image::Picture picture(24, 20, 3);
      Random random(i, name);
      for (uint8_t& value : picture.pixels)
        value = static_cast<uint8_t>(random.below(100) + (name[0] == 'l' ? 150 : 0));
      write_atomically(folder / "pictures" / name / fmt::format("{}.png", i), image::encode_png(picture));
    }
  }
  const Outcome run = run_tessera(
      {"train", "--data", "pictures", "--steps", "12", "--set", "depth=1", "--set", "embed_dim=24", "--out", "run"},
      folder.path());
  ASSERT_EQ(run.code, 0) << run.err;
  const Outcome guess =
      run_tessera({"predict", "run/model.safetensors", "pictures", "--csv", "--top", "1"}, folder.path());
  EXPECT_EQ(guess.code, 0) << guess.err;
  int64_t right = 0;
  for (size_t at = 0; (at = guess.out.find("\npictures/", at)) != std::string::npos; ++at) {
    const std::string line = guess.out.substr(at + 1, guess.out.find('\n', at + 1) - at - 1);
    right += line.find(line[9] == 'd' ? ",dark," : ",light,") != std::string::npos;
  }
  EXPECT_GE(right, 36);  // of 40

  // Fine-tuned to other classes: the body is kept, the head is new.
  std::filesystem::rename(folder / "pictures/dark", folder / "pictures/dusk");
  const Outcome tuned = run_tessera({"train", "--data", "pictures", "--steps", "2", "--from", "run/model.safetensors",
                                     "--out", "tuned", "--freeze", "blocks"},
                                    folder.path());
  ASSERT_EQ(tuned.code, 0) << tuned.err;
  const auto before = formats::read_safetensors(folder / "run/model.safetensors").arrays;
  const auto after = formats::read_safetensors(folder / "tuned/model.safetensors").arrays;
  EXPECT_EQ(formats::to_f32(formats::at(before, "blocks.0.attn.qkv.weight")),
            formats::to_f32(formats::at(after, "blocks.0.attn.qkv.weight")));
  EXPECT_NE(formats::to_f32(formats::at(before, "head.weight")), formats::to_f32(formats::at(after, "head.weight")));
}

nlohmann::json record_of(const std::filesystem::path& run) {
  return nlohmann::json::parse(read_text(run / "run.json"));
}

TEST(FineTune, FewLabelsOfOtherClassesWithTheHeadAlone) {
  const TemporaryFolder folder;
  const std::vector<std::string> first = {"--classes", "arrow,bar,circle,cross,heart", "--steps", "5", "--out",
                                          "first"};
  ASSERT_EQ(run_tessera(tiny(first), folder.path()).code, 0);
  EXPECT_EQ(record_of(folder / "first")["training_pictures"], 32);  // of 48, a tenth and an incomplete batch apart

  const auto tune = [&](std::vector<std::string> more) {
    std::vector<std::string> words = {
        "train",   "--data",         "shapes", "--data-set", "size=16", "--data-set", "train=96",         "--data-set",
        "test=32", "--from",         "first",  "--threads",  "1",       "--classes",  "ring,square,star", "--per-class",
        "4",       "--val-fraction", "0"};
    words.insert(words.end(), more.begin(), more.end());
    return run_tessera(words, folder.path());
  };
  const Outcome probe = tune({"--tune", "head", "--steps", "6", "--out", "probe"});
  ASSERT_EQ(probe.code, 0) << probe.err;
  EXPECT_NE(probe.out.find("note: trains 51 of "), std::string::npos) << probe.out;
  const auto record = record_of(folder / "probe");
  EXPECT_EQ(record["training_pictures"], 12);
  EXPECT_EQ(record["options"]["per_class"], 4);
  const auto before = formats::read_safetensors(folder / "first/model.safetensors").arrays;
  const auto after = formats::read_safetensors(folder / "probe/model.safetensors").arrays;
  EXPECT_EQ(formats::at(after, "head.weight").shape, (Shape{3, 16}));
  for (const auto& [name, array] : before) {
    if (name.starts_with("head.")) continue;
    EXPECT_EQ(formats::to_f32(array), formats::to_f32(formats::at(after, name))) << name;
  }

  // Stopped and resumed, with other weights for a start: the same bits.
  ASSERT_EQ(tune({"--tune", "norm_bias", "--steps", "40", "--out", "whole"}).code, 0);
  const pid_t child = test::start_tessera({"train",
                                           "--data",
                                           "shapes",
                                           "--data-set",
                                           "size=16",
                                           "--data-set",
                                           "train=96",
                                           "--data-set",
                                           "test=32",
                                           "--from",
                                           "first",
                                           "--threads",
                                           "1",
                                           "--classes",
                                           "ring,square,star",
                                           "--per-class",
                                           "4",
                                           "--val-fraction",
                                           "0",
                                           "--tune",
                                           "norm_bias",
                                           "--steps",
                                           "40",
                                           "--out",
                                           "again",
                                           "--checkpoint-every",
                                           "1"},
                                          folder.path(), "begin");
  while (!std::filesystem::exists(folder / "again/checkpoint.safetensors"))
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  kill(child, SIGTERM);
  test::wait_for(child);
  const Outcome again = tune({"--tune", "norm_bias", "--steps", "40", "--out", "again", "--resume"});
  ASSERT_EQ(again.code, 0) << again.err;
  EXPECT_EQ(sha_of(folder / "again/model.safetensors"), sha_of(folder / "whole/model.safetensors"));
}

TEST(FineTune, LargerPicturesInterpolateThePositionsAndSaySo) {
  const TemporaryFolder folder;
  ASSERT_EQ(run_tessera(tiny({"--steps", "2", "--out", "first"}), folder.path()).code, 0);
  const Outcome large =
      run_tessera({"train", "--data", "shapes", "--data-set", "size=16", "--data-set", "train=96", "--data-set",
                   "test=32", "--from", "first", "--img-size", "24", "--steps", "2", "--out", "large"},
                  folder.path());
  ASSERT_EQ(large.code, 0) << large.err;
  EXPECT_NE(large.out.find("note: pos_embed: resized 4x4 -> 6x6"), std::string::npos) << large.out;
  EXPECT_EQ(large.out.find("starts anew"), std::string::npos) << large.out;  // the classes are the same
  const auto info = weights::read_model_info(folder / "large/model.safetensors");
  EXPECT_EQ(nlohmann::json::parse(info.preprocess)["height"], 24);
  EXPECT_EQ(nlohmann::json::parse(info.preprocess)["crop_pct"], 1.0);
  EXPECT_EQ(nlohmann::json::parse(info.architecture)["img_size"], (std::vector<int64_t>{24, 24}));
}

TEST(FineTune, HasDefaultsOfItsOwnThatFlagsAndRecipesOverrule) {
  const TemporaryFolder folder;
  ASSERT_EQ(run_tessera(tiny({"--steps", "2", "--out", "first"}), folder.path()).code, 0);
  EXPECT_EQ(record_of(folder / "first")["options"]["lr"], 1e-3);
  const auto options_of = [&](const std::string& out, std::vector<std::string> more) {
    std::vector<std::string> words = {"train",      "--data",   "shapes",     "--data-set", "size=16",
                                      "--data-set", "train=96", "--data-set", "test=32",    "--from",
                                      "first",      "--out",    out,          "--threads",  "1"};
    words.insert(words.end(), more.begin(), more.end());
    const Outcome run = run_tessera(words, folder.path());
    EXPECT_EQ(run.code, 0) << run.err;
    return record_of(folder / out)["options"];
  };
  const auto all = options_of("all", {});
  EXPECT_LT(all["lr"], 1e-3);
  EXPECT_LT(all["layer_decay"], 1.0);
  EXPECT_GE(all["epochs"].get<int64_t>() * (86 / all["batch"].get<int64_t>()), 200);
  const auto head = options_of("head", {"--tune", "head", "--steps", "3"});
  EXPECT_GT(head["lr"], 1e-3);
  EXPECT_EQ(head["layer_decay"], 1.0);
  EXPECT_EQ(head["epochs"], 0);
  write_atomically(folder / "r.toml", std::string_view("lr = 0.25\nlayer_decay = 0.5\n"));
  const auto said = options_of("said", {"--recipe", "r.toml", "--layer-decay", "0.875", "--steps", "3"});
  EXPECT_EQ(said["lr"], 0.25);
  EXPECT_EQ(said["layer_decay"], 0.875);
}

TEST(FineTune, WhatCannotBeTunedOrChosenIsAUsageError) {
  const TemporaryFolder folder;
  const auto refused = [&](std::vector<std::string> more, const std::string& what) {
    const Outcome run = run_tessera(tiny(std::move(more)), folder.path());
    EXPECT_EQ(run.code, 2) << what;
    EXPECT_EQ(run.complaints(), 1) << run.err;
    EXPECT_TRUE(run.says(what)) << run.err;
    EXPECT_FALSE(std::filesystem::exists(folder / "run"));
  };
  refused({"--tune", "heads", "--out", "run"}, "tune takes all, head, blocks:N");
  refused({"--tune", "blocks:2", "--out", "run"}, "more blocks than the model has (1)");
  refused({"--freeze", "encoder", "--out", "run"}, "no parameter 'encoder'");
  refused({"--classes", "ring,squar", "--out", "run"}, "no class 'squar', did you mean 'square'?");
  refused({"--per-class", "-1", "--out", "run"}, "--per-class");
}

}  // namespace
}  // namespace tessera
