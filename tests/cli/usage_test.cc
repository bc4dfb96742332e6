// The program around its commands: help, version, exit codes, and one line for whatever is wrong.
#include <gtest/gtest.h>

#include "tests/cli/program.h"

namespace tessera {
namespace {

using test::Outcome;
using test::run_tessera;
using test::TemporaryFolder;

const std::vector<std::string> kCommands = {"bench", "compare", "eval", "info", "models", "pixels", "predict", "train"};

TEST(Usage, WithoutArgumentsEveryCommandIsListed) {
  const TemporaryFolder folder;
  const Outcome alone = run_tessera({}, folder.path()), help = run_tessera({"--help"}, folder.path());
  EXPECT_EQ(alone.code, 0);
  EXPECT_EQ(alone.out, help.out);
  for (const std::string& command : kCommands)
    EXPECT_NE(alone.out.find("\n  " + command + " "), std::string::npos) << command;
}

TEST(Usage, EveryCommandExplainsItself) {
  const TemporaryFolder folder;
  for (const std::string& command : kCommands) {
    const Outcome run = run_tessera({command, "--help"}, folder.path());
    EXPECT_EQ(run.code, 0) << command;
    EXPECT_EQ(run.err, "") << command;
    EXPECT_EQ(run.out.find("Usage: tessera " + command), 0u) << run.out;
    EXPECT_EQ(run_tessera({"help", command}, folder.path()).out, run.out);
  }
}

TEST(Usage, WhatIsUnknownIsNamedWithTheNearest) {
  const TemporaryFolder folder;
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
      {{"trian"}, "tessera: unknown command 'trian', did you mean 'train'?; tessera --help lists them\n"},
      {{"models", "--jason"}, "tessera: unknown option '--jason', did you mean '--json'?\n"},
      {{"bench", "infer", "--model", "vit_tiny_patch16_223"},
       "tessera: unknown model 'vit_tiny_patch16_223', did you mean 'vit_tiny_patch16_224'?\n"},
      {{"bench", "run", "--model", "vit_tiny_patch16_224"},
       "tessera: argument infer|train|roofline|complexity must be one of infer, train, roofline, complexity, but it is "
       "'run'\n"},
  };
  for (const auto& [arguments, message] : cases) {
    const Outcome run = run_tessera(arguments, folder.path());
    EXPECT_EQ(run.code, 2) << message;
    EXPECT_EQ(run.err, message);
    EXPECT_EQ(run.out, "");
  }
}

TEST(Usage, AClosedOrFullOutputIsNoCrash) {
  const TemporaryFolder folder;
  EXPECT_EQ(test::wait_for(test::start_tessera({"models"}, folder.path(), "/dev/full")), 1);
  EXPECT_EQ(read_text(folder / "stderr"), "tessera: cannot write to standard output: No space left on device\n");
  const std::string program = std::string(TESSERA_BINARY_DIR) + "/bin/tessera";
  const std::string command = program + " models 2>" + (folder / "pipe").string() + " | true";
  EXPECT_EQ(std::system(command.c_str()), 0);
  EXPECT_EQ(read_text(folder / "pipe"), "");
}

TEST(Usage, VersionIsOneLine) {
  const TemporaryFolder folder;
  const Outcome run = run_tessera({"--version"}, folder.path());
  EXPECT_EQ(run.code, 0);
  EXPECT_EQ(run.out.find("tessera "), 0u);
}

}  // namespace
}  // namespace tessera
