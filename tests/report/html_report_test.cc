#include "tessera/report/html_report.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tessera/core/file.h"
#include "tessera/report/confusion.h"
#include "tessera/report/run_log.h"
#include "tests/support.h"

namespace tessera::report {
namespace {

// Each opened element is closed, in order; those without an end are left out.
std::string first_imbalance(const std::string& page) {
  std::vector<std::string> open;
  for (size_t at = 0; (at = page.find('<', at)) != std::string::npos; ++at) {
    const size_t end = page.find('>', at);
    if (end == std::string::npos) return "unfinished tag";
    const bool closing = page[at + 1] == '/', alone = page[end - 1] == '/' || page[at + 1] == '!';
    const std::string name = page.substr(at + 1 + closing, page.find_first_of(" >/\n", at + 2) - at - 1 - closing);
    if (alone || name == "meta") continue;
    if (!closing) {
      open.push_back(name);
    } else if (open.empty() || open.back() != name) {
      return "</" + name + ">";
    } else {
      open.pop_back();
    }
  }
  return open.empty() ? "" : "<" + open.back() + ">";
}

// A made-up run of 400 steps with an evaluation each 40, seen by a log and the page.
std::string page_of_a_run(const std::filesystem::path& folder, int64_t last, bool finish) {
  train::RunInfo info;
  info.folder = folder;
  info.model = "vit_lite_7_4";
  info.data = "shapes <10 classes>";
  info.parameters = 3717386;
  info.class_names = {"circle", "square & co", "triangle"};
  info.training_pictures = 5120;
  info.batch = 128;
  info.steps_per_epoch = 40;
  info.total_steps = 400;
  info.options_json = R"({"learning_rate":0.001,"augment":["flip","<b>"]})";
  RunLog log;
  HtmlReport report;
  train::Observers all({&log, &report});
  all.on_start(info);
  all.on_decision(0, "total_steps", "400");
  const std::vector<int64_t> counts = {90, 8, 2, 15, 80, 5, 0, 0, 0};
  for (int64_t step = 1; step <= last; ++step) {
    const auto x = static_cast<double>(step);
    train::StepInfo now;
    now.step = step;
    now.total_steps = 400;
    now.loss = 2.3 * std::exp(-x / 150) + 0.1 * std::sin(x);
    now.learning_rate = 1e-3 * 0.5 * (1 + std::cos(M_PI * x / 400));
    now.images_per_second = 1200 + 50 * std::sin(x / 9);
    now.loader_images_per_second = 9000;
    now.seconds_trained = x / 10;
    all.on_step(now);
    if (step % 40) continue;
    train::EvalInfo eval;
    eval.step = step;
    eval.split = step == 400 ? "test" : "val";
    eval.top1 = 0.85 - 0.6 * std::exp(-x / 150);
    eval.top5 = 0.99;
    eval.loss = 2.2 * std::exp(-x / 170);
    eval.confusion = counts;
    all.on_eval(eval);
  }
  train::RunSummary summary;
  summary.step = last;
  summary.seconds_trained = 40;
  summary.model_file = folder / "model.safetensors";
  if (finish) all.on_finish(summary);
  return read_text(folder / "report.html");
}

TEST(HtmlReport, ShowsTheRun) {
  test::TemporaryFolder folder;
  const std::string page = page_of_a_run(folder.path(), 400, true);
  EXPECT_EQ(first_imbalance(page), "");
  for (const char* part :
       {"<h1>vit_lite_7_4</h1>", "3.72 M parameters", "shapes &lt;10 classes&gt;", "finished after step 400",
        "test top-1", "80.83 %", "square &amp; co taken for circle: 15 (15.0 %)", "&lt;b&gt;", "total_steps = 400",
        "prefers-color-scheme: dark", "Learning rate", "model.safetensors"}) {
    EXPECT_NE(page.find(part), std::string::npos) << part;
  }
  EXPECT_EQ(page.find("http://"), page.find("http://www.w3.org/2000/svg"));  // a name, nothing is fetched
  EXPECT_EQ(page.find("src="), std::string::npos);
  EXPECT_EQ(page.find("nan"), std::string::npos);
  // precision of "square & co": 80 of 88; triangle has no pictures
  EXPECT_NE(page.find("90.91 %"), std::string::npos);
  EXPECT_LT(page.find("<td>square &amp; co</td>"), page.find("<td>circle</td>"));  // the weakest first
  EXPECT_LT(page.find("<td>circle</td>"), page.find("<td>triangle</td>"));
}

TEST(HtmlReport, IsThereWhileTheRunGoesOn) {
  test::TemporaryFolder folder;
  const std::string page = page_of_a_run(folder.path(), 60, false);
  EXPECT_EQ(first_imbalance(page), "");
  EXPECT_NE(page.find("running: step 40 of 400"), std::string::npos);
}

TEST(HtmlReport, ARunWithoutALogOrClassesHasAPageToo) {
  test::TemporaryFolder folder;
  train::RunInfo info;
  info.folder = folder.path();
  HtmlReport report;
  report.on_start(info);
  report.on_finish({});
  const std::string page = read_text(folder / "report.html");
  EXPECT_EQ(first_imbalance(page), "");
  EXPECT_NE(page.find("nothing yet"), std::string::npos);
}

TEST(ConfusionSvg, DrawsOnlyCellsThatCount) {
  std::vector<int64_t> counts(100 * 100);
  std::vector<std::string> names(100, "a name that is rather long");
  counts[0] = 5;
  counts[1] = 1;
  const std::string svg = confusion_svg(counts, names);
  EXPECT_EQ(first_imbalance(svg), "");
  size_t cells = 0;
  for (size_t at = 0; (at = svg.find("<title>", at)) != std::string::npos; ++at) ++cells;
  EXPECT_EQ(cells, 2u);
  EXPECT_NE(confusion_svg({{1}}, {"käse, käse, käse, käse"}).find("…"), std::string::npos);
}

}  // namespace
}  // namespace tessera::report
