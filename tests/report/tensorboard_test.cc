#include "tessera/report/tensorboard.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>

#include "report/event.pb.h"
#include "tessera/core/file.h"
#include "tessera/report/event_file.h"
#include "tests/support.h"

namespace tessera::report {
namespace {

using tensorboard::Event;
using tensorboard::SessionLog;

// Reads the framing by itself; the messages are read by the code that protoc made.
std::vector<Event> events_of(const std::filesystem::path& path) {
  const std::string file = read_text(path);
  std::vector<Event> events;
  for (size_t at = 0; at < file.size();) {
    uint64_t length = 0;
    for (size_t i = 0; i < 8; ++i) length |= uint64_t{static_cast<unsigned char>(file.at(at + i))} << (8 * i);
    EXPECT_TRUE(events.emplace_back().ParseFromString(file.substr(at + 12, length)));
    at += 12 + length + 4;
    EXPECT_LE(at, file.size());
  }
  return events;
}

class TensorBoardTest : public testing::Test {
 protected:
  TensorBoardTest() { info.folder = folder.path(); }

  void run(int64_t resumed, int64_t last) {
    info.resumed_step = resumed;
    TensorBoard board(2);
    board.on_start(info);
    for (int64_t step = resumed + 1; step <= last; ++step) {
      train::StepInfo now;
      now.step = step;
      now.total_steps = 9;
      now.loss = 1.5 * static_cast<double>(step);
      now.learning_rate = 1e-3;
      board.on_step(now);
    }
    train::EvalInfo eval;
    eval.step = last;
    eval.split = "val";
    eval.top1 = 0.5;
    eval.top5 = 0.75;
    board.on_eval(eval);
  }
  std::vector<std::filesystem::path> files() const {
    std::vector<std::filesystem::path> all;
    for (const auto& entry : std::filesystem::directory_iterator(folder / "tensorboard")) all.push_back(entry.path());
    std::sort(all.begin(), all.end());
    return all;
  }
  static std::vector<int64_t> steps_of(const std::filesystem::path& path) {
    std::vector<int64_t> steps;
    for (const Event& event : events_of(path)) {
      if (event.has_summary()) steps.push_back(event.step());
    }
    return steps;
  }

  test::TemporaryFolder folder;
  train::RunInfo info;
};

TEST(Crc32c, IsTheOneOfRfc3720) {
  EXPECT_EQ(crc32c("123456789"), 0xe3069283u);
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8a9136aau);
  EXPECT_EQ(crc32c(""), 0u);
}

TEST_F(TensorBoardTest, AReaderMadeFromTheProtocolReadsTheValues) {
  run(0, 4);
  ASSERT_EQ(files().size(), 1u);
  const std::vector<Event> events = events_of(files()[0]);
  ASSERT_EQ(events.size(), 6u);  // version, start, steps 1, 2 and 4, evaluation
  EXPECT_EQ(events[0].file_version(), "brain.Event:2");
  EXPECT_EQ(events[1].session_log().status(), SessionLog::START);
  EXPECT_EQ(events[1].step(), 1);
  EXPECT_EQ(events[3].step(), 2);
  EXPECT_NEAR(events[3].wall_time(), static_cast<double>(std::time(nullptr)), 60);
  ASSERT_EQ(events[3].summary().value_size(), 2);  // what is not known is left out
  EXPECT_EQ(events[3].summary().value(0).tag(), "train/loss");
  EXPECT_EQ(events[3].summary().value(0).simple_value(), 3.0f);
  EXPECT_EQ(events[3].summary().value(1).tag(), "train/learning_rate");
  EXPECT_EQ(events[3].summary().value(1).simple_value(), 1e-3f);
  ASSERT_EQ(events[5].summary().value_size(), 2);
  EXPECT_EQ(events[5].summary().value(1).tag(), "val/top5");
  EXPECT_EQ(events[5].summary().value(1).simple_value(), 0.75f);
}

TEST(EventFile, LargeStepsAndManyValuesSurvive) {
  std::vector<std::pair<std::string, float>> scalars;
  for (int i = 0; i < 40; ++i)
    scalars.emplace_back("a/" + std::string(10, 'x') + std::to_string(i), static_cast<float>(i));
  test::TemporaryFolder folder;
  std::ofstream(folder / "e", std::ios::binary) << scalars_record(1.5, int64_t{1} << 40, scalars);
  const std::vector<Event> events = events_of(folder / "e");
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].step(), int64_t{1} << 40);
  EXPECT_EQ(events[0].wall_time(), 1.5);
  ASSERT_EQ(events[0].summary().value_size(), 40);
  EXPECT_EQ(events[0].summary().value(39).simple_value(), 39.0f);
}

TEST_F(TensorBoardTest, AResumedRunCutsBackAndBeginsAFileThatVoidsTheRest) {
  run(0, 8);
  run(4, 8);  // the checkpoint was of step 4
  ASSERT_EQ(files().size(), 2u);
  EXPECT_EQ(steps_of(files()[0]), (std::vector<int64_t>{1, 2, 4}));
  EXPECT_EQ(steps_of(files()[1]), (std::vector<int64_t>{6, 8, 8}));
  EXPECT_EQ(events_of(files()[1])[1].session_log().status(), SessionLog::START);
  EXPECT_EQ(events_of(files()[1])[1].step(), 5);
  run(2, 4);  // all files are cut
  EXPECT_EQ(steps_of(files()[0]), (std::vector<int64_t>{1, 2}));
  EXPECT_TRUE(steps_of(files()[1]).empty());
  EXPECT_EQ(steps_of(files()[2]), (std::vector<int64_t>{4, 4}));
  run(0, 2);  // a new run
  ASSERT_EQ(files().size(), 1u);
}

TEST_F(TensorBoardTest, ABrokenRecordEndsTheFile) {
  run(0, 8);
  const std::string whole = read_text(files()[0]);
  ASSERT_EQ(whole_records(whole, 100), whole.size());
  const size_t two = file_version_record(0).size() + session_start_record(0, 1).size();
  for (const size_t length : {whole.size() - 1, whole.size() - 5, two + 13, two + 3}) {
    EXPECT_LT(whole_records(whole.substr(0, length), 100), length);
    EXPECT_GE(whole_records(whole.substr(0, length), 100), two);
  }
  for (const size_t at : {two, two + 9, two + 14, whole.size() - 1}) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x40);
    EXPECT_LT(whole_records(damaged, 100), whole.size()) << at;
  }
}

}  // namespace
}  // namespace tessera::report
