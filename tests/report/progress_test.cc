#include "tessera/report/progress.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>

#include <csignal>
#include <memory>

#include "tessera/core/text.h"

namespace tessera::report {
namespace {

// What a terminal would show: carriage returns and "clear to the end of the line" are obeyed.
std::vector<std::string> screen(const std::string& output) {
  std::vector<std::string> lines;
  for (const std::string& line : split(output, '\n')) {
    const size_t last = line.rfind("\r\x1b[K");
    lines.push_back(last == std::string::npos ? line : line.substr(last + 4));
  }
  return lines;
}

class ProgressTest : public testing::Test {
 protected:
  ~ProgressTest() override {
    std::fclose(out);
    std::free(text);
  }
  std::unique_ptr<Progress> progress(bool terminal, int columns) {
    ProgressStyle style;
    style.terminal = terminal;
    style.columns = columns;
    style.now = [this] { return now; };
    auto made = std::make_unique<Progress>(out, style);
    train::RunInfo info;
    info.model = "vit";
    info.data = "shapes";
    info.parameters = 3717386;
    info.training_pictures = 1000;
    info.batch = 100;
    info.steps_per_epoch = 10;
    made->on_start(info);
    return made;
  }
  static train::StepInfo step_info(int64_t step) {
    train::StepInfo info;
    info.step = step;
    info.epoch = (step - 1) / 10;
    info.total_steps = 25;
    info.loss = 1.25;
    info.learning_rate = 3e-4;
    info.images_per_second = 1234;
    info.seconds_left = 75;
    return info;
  }
  static train::EvalInfo eval_info() {
    train::EvalInfo info;
    info.step = 10;
    info.split = "val";
    info.top1 = 0.4512;
    info.top5 = 0.91;
    info.loss = 1.5;
    info.seconds = 2;
    return info;
  }
  std::string output() {
    std::fflush(out);
    return std::string(text, size);
  }

  char* text = nullptr;
  size_t size = 0;
  std::FILE* out = open_memstream(&text, &size);
  double now = 0;
};

TEST_F(ProgressTest, PlainLinesComeNowAndThen) {
  const auto p = progress(false, 0);
  for (int64_t step = 1; step <= 25; ++step) {
    p->on_step(step_info(step));
    if (step == 10) p->on_eval(eval_info());
    now += 1;
  }
  train::RunSummary summary;
  summary.step = 25;
  summary.seconds_trained = 25;
  summary.model_file = "run/model.safetensors";
  p->on_finish(summary);
  EXPECT_EQ(output(),
            "vit · 3.72 M parameters · shapes: 1000 pictures, 10 steps of 100 an epoch\n"
            "epoch 1/3 · step 1/25 · loss 1.25 · 1.23 k pictures/s · rate 0.0003 · 1 min 15 s left\n"
            "step 10: val top-1 45.1 %, top-5 91.0 %, loss 1.5 (2.00 s)\n"
            "epoch 2/3 · step 11/25 · loss 1.25 · val 45.1 % · 1.23 k pictures/s · rate 0.0003 · 1 min 15 s left\n"
            "epoch 3/3 · step 21/25 · loss 1.25 · val 45.1 % · 1.23 k pictures/s · rate 0.0003 · 1 min 15 s left\n"
            "finished after step 25, trained for 25.0 s; the model is run/model.safetensors\n");
}

TEST_F(ProgressTest, ATerminalShowsOneLiveLineBelowTheOnesThatStay) {
  const auto p = progress(true, 200);
  for (int64_t step = 1; step <= 12; ++step) {
    p->on_step(step_info(step));
    if (step == 10) p->on_eval(eval_info());
    if (step == 11) p->on_message(train::Level::warning, "a.jpg is corrupt");
    now += 1;
  }
  EXPECT_EQ(
      screen(output()),
      (std::vector<std::string>{
          "vit · 3.72 M parameters · shapes: 1000 pictures, 10 steps of 100 an epoch",
          "step 10: val top-1 45.1 %, top-5 91.0 %, loss 1.5 (2.00 s)", "warning: a.jpg is corrupt",
          "epoch 2/3 · step 12/25 · loss 1.25 · val 45.1 % · 1.23 k pictures/s · rate 0.0003 · 1 min 15 s left"}));
  p->on_finish({});
  const std::vector<std::string> end = screen(output());
  EXPECT_EQ(end[3], "finished after step 0, trained for 0.00 s");  // in place of the live line
  EXPECT_EQ(end[4], "");
}

TEST_F(ProgressTest, ANarrowTerminalDropsWhatMattersLeastAndNeverWraps) {
  for (int columns = 1; columns <= 120; ++columns) {
    const auto p = progress(true, columns);
    p->on_eval(eval_info());
    p->on_step(step_info(11));
    std::string line = screen(output()).back();
    size_t width = 0;
    for (const char c : line) width += (c & 0xc0) != 0x80;
    EXPECT_LT(width, static_cast<size_t>(columns));
    if (columns == 40) {
      EXPECT_EQ(line, "epoch 2/3 · loss 1.25 · 1 min 15 s left");
    }
    if (columns == 12) {
      EXPECT_EQ(line, "loss 1.25");
    }
  }
}

TEST_F(ProgressTest, TheLiveLineIsDrawnAtMostTenTimesASecond) {
  const auto p = progress(true, 100);
  const size_t before = output().size();
  for (int64_t step = 1; step <= 10000; ++step) {
    p->on_step(step_info(step));
    now += 1e-4;
  }
  const std::string drawn = output().substr(before);
  EXPECT_LE(std::count(drawn.begin(), drawn.end(), '\r'), 11);
  EXPECT_GE(std::count(drawn.begin(), drawn.end(), '\r'), 9);
}

TEST(ProgressStream, AClosedTerminalIsNoError) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  close(ends[0]);
  const auto handler = std::signal(SIGPIPE, SIG_IGN);
  std::FILE* out = fdopen(ends[1], "w");
  {
    Progress p(out, {});
    for (int i = 0; i < 3; ++i) EXPECT_NO_THROW(p.on_message(train::Level::info, "hello"));
  }
  std::fclose(out);
  std::signal(SIGPIPE, handler);
}

TEST(ProgressStream, AFileIsNoTerminal) {
  std::FILE* file = std::tmpfile();
  EXPECT_FALSE(is_terminal(file));
  std::fclose(file);
}

}  // namespace
}  // namespace tessera::report
