#include "tessera/train/observer.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace tessera::train {
namespace {

struct Recorder : Observer {
  void on_step(const StepInfo& info) override { steps.push_back(info.step); }
  void on_message(Level, std::string_view text) override { messages.emplace_back(text); }
  std::vector<int64_t> steps;
  std::vector<std::string> messages;
};

struct FullDisk : Observer {
  void on_step(const StepInfo&) override {
    ++calls;
    throw std::runtime_error("metrics.jsonl: no space left on device");
  }
  int calls = 0;
};

TEST(Observers, OneThatThrowsIsLeftOutAndTheOthersHearWhyOnce) {
  Recorder first, last;
  FullDisk full;
  Observers all({&first, &full});
  all.add(last);
  for (int64_t step = 1; step <= 3; ++step) {
    StepInfo info;
    info.step = step;
    EXPECT_NO_THROW(all.on_step(info));
  }
  EXPECT_EQ(full.calls, 1);
  for (const Recorder* recorder : {&first, &last}) {
    EXPECT_EQ(recorder->steps, (std::vector<int64_t>{1, 2, 3}));
    EXPECT_EQ(
        recorder->messages,
        (std::vector<std::string>{"metrics.jsonl: no space left on device; this log ends here, the run goes on"}));
  }
}

TEST(Observers, OneThatThrowsOnTheMessageEndsToo) {
  struct Mute : Observer {
    void on_message(Level, std::string_view) override { throw std::runtime_error("terminal closed"); }
  } mute, other;
  Observers all({&mute, &other});
  EXPECT_NO_THROW(all.on_message(Level::info, "hello"));
  EXPECT_NO_THROW(all.on_finish({}));
}

}  // namespace
}  // namespace tessera::train
