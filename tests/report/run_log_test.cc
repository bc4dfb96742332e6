#include "tessera/report/run_log.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tessera/core/error.h"
#include "tessera/core/file.h"
#include "tests/support.h"

namespace tessera::report {
namespace {

train::StepInfo step_info(int64_t step) {
  train::StepInfo info;
  info.step = step;
  info.epoch = step / 4;
  info.total_steps = 8;
  info.loss = 2.0 / static_cast<double>(step);
  info.learning_rate = 0.1;
  info.images_per_second = 100;
  info.seconds_trained = 0.5 * static_cast<double>(step);
  return info;
}

train::EvalInfo eval_info(int64_t step) {
  train::EvalInfo info;
  info.step = step;
  info.split = "val";
  info.ema = true;
  info.top1 = 0.75;
  info.loss = 0.5;
  return info;
}

class RunLogTest : public testing::Test {
 protected:
  RunLogTest() { info.folder = folder.path(); }

  // Steps first…last with an evaluation and a checkpoint after each fourth.
  void run(int64_t resumed, int64_t last, int64_t every = 1) {
    info.resumed_step = resumed;
    RunLog log(every);
    log.on_start(info);
    for (int64_t step = resumed + 1; step <= last; ++step) {
      log.on_step(step_info(step));
      if (step % 4 == 0) {
        log.on_eval(eval_info(step));
        log.on_checkpoint(step, folder / "last.ckpt", false);
      }
    }
  }
  std::string text(const char* name) const { return read_text(folder / name); }
  std::vector<std::string> events() const {
    std::vector<std::string> all;
    read_log(folder / "metrics.jsonl", [&](const nlohmann::json& line) {
      all.push_back(line["event"].get<std::string>() + " " + std::to_string(line["step"].get<int64_t>()));
    });
    return all;
  }

  test::TemporaryFolder folder;
  train::RunInfo info;
};

TEST_F(RunLogTest, WritesWhatItIsTold) {
  run(0, 4);
  EXPECT_EQ(events(),
            (std::vector<std::string>{"start 0", "step 1", "step 2", "step 3", "step 4", "eval 4", "checkpoint 4"}));
  nlohmann::json eval;
  read_log(folder / "metrics.jsonl", [&](const nlohmann::json& line) {
    if (line["event"] == "eval") eval = line;
  });
  EXPECT_EQ(eval["split"], "val_ema");
  EXPECT_EQ(eval["top1"], 0.75);
  EXPECT_TRUE(eval["top5"].is_null());
  const std::string csv = text("metrics.csv");
  EXPECT_NE(csv.find("\n2,0,1,train,1,,,0.1,,100,\n"), std::string::npos) << csv;
  EXPECT_NE(csv.find("\n4,0,,val_ema,0.5,0.75,,,,,\n"), std::string::npos) << csv;
}

TEST_F(RunLogTest, KeepsTheFirstTheLastAndEachNthStep) {
  run(0, 8, 3);
  EXPECT_EQ(events(), (std::vector<std::string>{"start 0", "step 1", "step 3", "eval 4", "checkpoint 4", "step 6",
                                                "step 8", "eval 8", "checkpoint 8"}));
}

TEST_F(RunLogTest, AResumedRunGoesOnFromItsCheckpoint) {
  run(0, 7);  // killed at 7, its checkpoint is of 4
  run(4, 8);
  EXPECT_EQ(events(),
            (std::vector<std::string>{"start 0", "step 1", "step 2", "step 3", "step 4", "eval 4", "checkpoint 4",
                                      "start 4", "step 5", "step 6", "step 7", "step 8", "eval 8", "checkpoint 8"}));
  const std::string resumed = text("metrics.csv");
  run(0, 8);  // a new run begins a new log
  EXPECT_EQ(text("metrics.csv"), resumed);
  EXPECT_EQ(events().front(), "start 0");
  EXPECT_EQ(events().size(), 13u);
}

TEST_F(RunLogTest, AHalfWrittenLastLineIsCutOff) {
  run(0, 4);
  const std::string json = text("metrics.jsonl"), csv = text("metrics.csv");
  for (const char* tail : {"{\"event\":\"step\",\"step\":3,\"lo", "{\"event\":\"step\"\n", "\n", "3,0"}) {
    std::ofstream(folder / "metrics.jsonl", std::ios::binary) << json << tail;
    std::ofstream(folder / "metrics.csv", std::ios::binary) << csv << tail;
    EXPECT_EQ(events().size(), 7u) << tail;  // reading stops before it as well
    run(4, 4);
    EXPECT_EQ(text("metrics.jsonl").substr(0, json.size()), json);
    EXPECT_EQ(events().back(), "start 4") << tail;
    EXPECT_EQ(text("metrics.csv"), csv) << tail;
  }
}

TEST_F(RunLogTest, MessagesAndDecisionsCarryTheStep) {
  RunLog log;
  log.on_message(train::Level::info, "before the start there is no folder");
  log.on_start(info);
  log.on_step(step_info(1));
  log.on_decision(1, "total_steps", "8");
  log.on_message(train::Level::warning, "bad bytes: \xff");
  log.on_finish({});
  EXPECT_EQ(events(), (std::vector<std::string>{"start 0", "step 1", "decision 1", "message 1", "finish 0"}));
}

TEST_F(RunLogTest, AFolderThatIsNotThereIsNamed) {
  info.folder = folder / "none";
  RunLog log;
  try {
    log.on_start(info);
    FAIL() << "no error";
  } catch (const Error& e) {
    EXPECT_EQ(e.what(),
              "cannot write the log '" + (folder / "none" / "metrics.jsonl").string() + "': No such file or directory");
  }
}

// A limit on the size of files stands for a full disk: a write is cut short, the next one fails.
TEST_F(RunLogTest, AFullDiskIsToldOnceAndLeavesWholeLines) {
  RunLog log;
  log.on_start(info);
  log.on_step(step_info(1));
  rlimit before;
  getrlimit(RLIMIT_FSIZE, &before);
  const rlimit tight{text("metrics.jsonl").size() + 50, before.rlim_max};
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  setrlimit(RLIMIT_FSIZE, &tight);

  struct Ear : train::Observer {
    void on_message(train::Level, std::string_view text) override { heard.emplace_back(text); }
    std::vector<std::string> heard;
  } ear;
  train::Observers all({&log, &ear});
  all.on_step(step_info(2));
  all.on_step(step_info(3));
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);

  ASSERT_EQ(ear.heard.size(), 1u);
  EXPECT_EQ(ear.heard[0], "cannot write the log '" + (folder / "metrics.jsonl").string() +
                              "': File too large; this log ends here, the run goes on");
  EXPECT_EQ(events(), (std::vector<std::string>{"start 0", "step 1"}));
  EXPECT_EQ(text("metrics.jsonl").back(), '\n');
}

}  // namespace
}  // namespace tessera::report
