// Runs that are killed for real, and disks that are full: what is on the disk is always a whole checkpoint, and the run
// goes on from it to the bits of one that was left alone.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <chrono>
#include <csignal>
#include <thread>

#include "tessera/core/random.h"
#include "tests/support.h"
#include "tests/train/attempt.h"

extern char** environ;

namespace tessera::train {
namespace {

constexpr const char* kFolder = "TESSERA_VICTIM_FOLDER";

TrainOptions victim_options() {
  TrainOptions options = quick_options();
  options.epochs = 6;
  options.checkpoint_every = "2";
  return options;
}

Ending resume(const std::filesystem::path& folder) {
  Attempt attempt(folder);
  attempt.job.resume = true;
  return attempt.run(victim_options()).ending;
}

// Not a test of its own: the process that the others start and kill.
TEST(Victim, DISABLED_Runs) {
  const char* folder = std::getenv(kFolder);
  if (folder) resume(folder);
}

class Kill : public testing::Test {
 protected:
  void SetUp() override {
    const auto start = std::chrono::steady_clock::now();
    EXPECT_EQ(wait_for(start_victim("whole")), 0);
    seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }

  pid_t start_victim(const std::string& name) const {
    std::vector<std::string> texts = {std::string(kFolder) + "=" + (folder / name).string()};
    for (char** variable = environ; *variable; ++variable) texts.emplace_back(*variable);
    std::vector<char*> environment;
    for (std::string& text : texts) environment.push_back(text.data());
    environment.push_back(nullptr);
    std::string program = "/proc/self/exe", filter = "--gtest_filter=Victim.*",
                disabled = "--gtest_also_run_disabled_tests";
    char* arguments[] = {program.data(), filter.data(), disabled.data(), nullptr};
    posix_spawn_file_actions_t quiet;
    posix_spawn_file_actions_init(&quiet);
    posix_spawn_file_actions_addopen(&quiet, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    pid_t pid = 0;
    EXPECT_EQ(posix_spawn(&pid, program.c_str(), &quiet, nullptr, arguments, environment.data()), 0);
    posix_spawn_file_actions_destroy(&quiet);
    return pid;
  }

  static int wait_for(pid_t pid) {
    int status = 0;
    waitpid(pid, &status, 0);
    return status;
  }

  // Resumes the killed run to its end and compares.
  void expect_the_same_bits(const std::string& name) {
    EXPECT_EQ(resume(folder / name), Ending::finished) << name;
    for (const char* file : {"model.safetensors", "best.safetensors"})
      EXPECT_EQ(bytes_of(folder / name / file), bytes_of(folder / "whole" / file)) << name << ", " << file;
  }

  test::TemporaryFolder folder;
  double seconds = 0;  // that the whole run took
};

TEST_F(Kill, AtAnyMomentAndAgain) {
  Random random(1, "kill test");
  for (int run = 0; run < 5; ++run) {
    const std::string name = "random" + std::to_string(run);
    for (int kill_number = 0; kill_number < 2; ++kill_number) {
      const pid_t pid = start_victim(name);
      std::this_thread::sleep_for(std::chrono::duration<double>(random.uniform() * seconds));
      kill(pid, SIGKILL);
      wait_for(pid);
    }
    expect_the_same_bits(name);
  }
}

TEST_F(Kill, BeforeTheFirstCheckpoint) {
  const pid_t pid = start_victim("early");
  while (!exists(folder / "early" / "run.json")) std::this_thread::yield();
  kill(pid, SIGKILL);
  wait_for(pid);
  expect_the_same_bits("early");
}

TEST_F(Kill, InsideASave) {
  for (int save = 0; save < 3; ++save) {
    const std::string name = "saving" + std::to_string(save);
    const pid_t pid = start_victim(name);
    const auto part = folder / name / "checkpoint.safetensors.part";
    int seen = 0, status = 0;
    while (seen <= 5 * save && waitpid(pid, &status, WNOHANG) == 0) seen += exists(part);
    kill(pid, SIGKILL);
    if (!WIFEXITED(status)) wait_for(pid);
    expect_the_same_bits(name);
  }
}

// The limit stands for a full disk: writes beyond it fail.
TEST_F(Kill, AFullDiskLeavesTheCheckpointBefore) {
  signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  Attempt attempt(folder / "full");
  std::string checkpoint;
  attempt.witness.after_step = [&](int64_t step) {
    if (step != 5) return;
    checkpoint = bytes_of(folder / "full" / "checkpoint.safetensors");
    rlimit small = before;
    small.rlim_cur = checkpoint.size() / 2;
    setrlimit(RLIMIT_FSIZE, &small);
  };
  const std::string message = message_of([&] { attempt.run(victim_options()); });
  setrlimit(RLIMIT_FSIZE, &before);
  signal(SIGXFSZ, SIG_DFL);
  EXPECT_NE(message.find("checkpoint.safetensors"), std::string::npos) << message;
  EXPECT_EQ(attempt.witness.endings, std::vector<Ending>{Ending::failed});
  EXPECT_EQ(bytes_of(folder / "full" / "checkpoint.safetensors"), checkpoint);
  EXPECT_FALSE(exists(folder / "full" / "checkpoint.safetensors.part"));
  expect_the_same_bits("full");
}

}  // namespace
}  // namespace tessera::train
