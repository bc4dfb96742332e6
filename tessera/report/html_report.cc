#include "tessera/report/html_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <nlohmann/json.hpp>

#include "tessera/core/file.h"
#include "tessera/core/text.h"
#include "tessera/report/confusion.h"
#include "tessera/report/plot.h"
#include "tessera/report/run_log.h"

namespace tessera::report {
namespace {

using nlohmann::json;

constexpr const char* kHead = R"(<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>{}</title><style>
:root {{ color-scheme: light dark; --page:#fafafa; --card:#fff; --ink:#111827; --faint:#6b7280; --grid:#e5e7eb; --cell:#f3f4f6;
  --hit:#2563eb; --miss:#d9622b; --series-1:#2563eb; --series-2:#d9622b; --series-3:#16845b; --series-4:#7c4dcc }}
@media (prefers-color-scheme: dark) {{ :root {{ --page:#0f1216; --card:#181c22; --ink:#e6e9ee; --faint:#98a1ae; --grid:#2b313a;
  --cell:#20252d; --hit:#5b94ff; --miss:#f0894f; --series-1:#6ea2ff; --series-2:#f0995f; --series-3:#55c497; --series-4:#b596f5 }} }}
* {{ box-sizing: border-box }}
body {{ margin:0; background:var(--page); color:var(--ink); font:15px/1.5 system-ui,sans-serif }}
main {{ max-width:1080px; margin:0 auto; padding:32px 20px 64px }}
h1 {{ font-size:26px; margin:0 }} h2 {{ font-size:18px; margin:40px 0 12px }} .faint {{ color:var(--faint) }}
.grid {{ display:grid; gap:14px; grid-template-columns:repeat(auto-fit,minmax(min(100%,var(--least)),1fr)) }}
.card {{ background:var(--card); border:1px solid var(--grid); border-radius:10px; padding:14px 16px }}
.card b {{ display:block; font-size:26px; line-height:1.3; font-weight:650 }} svg {{ display:block; width:100%; height:auto }}
table {{ border-collapse:collapse; width:100%; font-variant-numeric:tabular-nums }} td,th {{ padding:4px 10px; text-align:left;
  border-bottom:1px solid var(--grid) }} th {{ font-weight:600; color:var(--faint) }} .n {{ text-align:right }}
.bar {{ height:8px; border-radius:4px; background:var(--hit); min-width:1px }} .scroll {{ overflow-x:auto }}
summary {{ cursor:pointer; font-size:18px; font-weight:650; margin:32px 0 12px }} code {{ font-size:13px; overflow-wrap:anywhere }}
</style></head><body><main>
)";

double number(const json& line, const char* key) {
  const auto found = line.find(key);
  return found != line.end() && found->is_number() ? found->get<double>() : train::kUnknown;
}

std::string word(const json& line, const char* key) {
  const auto found = line.find(key);
  return found != line.end() && found->is_string() ? found->get<std::string>() : "";
}

std::string percent(double fraction) { return std::isfinite(fraction) ? fmt::format("{:.2f} %", 100 * fraction) : "?"; }

// What the page takes from metrics.jsonl.
struct History {
  struct Split {
    std::string name;
    Curve top1, loss;
    json last;
  };

  Curve loss, rate, pace, loader;
  std::vector<Split> splits;  // in the order of their first evaluations
  std::vector<json> notes;    // decisions and messages

  explicit History(const std::filesystem::path& path) {
    read_log(path, [this](const json& line) { add(line); });
  }

  Split& split_of(const std::string& name) {
    const auto named = [&](const Split& split) { return split.name == name; };
    const auto found = std::find_if(splits.begin(), splits.end(), named);
    return found != splits.end() ? *found : splits.emplace_back(Split{name, Curve(), Curve(), json()});
  }

  void add(const json& line) {
    const std::string event = word(line, "event");
    const double step = number(line, "step");
    if (event == "step") {
      loss.add(step, number(line, "loss"));
      rate.add(step, number(line, "learning_rate"));
      pace.add(step, number(line, "images_per_second"));
      loader.add(step, number(line, "loader_images_per_second"));
    } else if (event == "eval") {
      Split& split = split_of(word(line, "split"));
      split.top1.add(step, number(line, "top1"));
      split.loss.add(step, number(line, "loss"));
      split.last = line;
    } else if (event == "decision" || event == "message") {
      notes.push_back(line);
    }
  }
};

std::string card(std::string_view label, std::string_view value, std::string_view detail) {
  return fmt::format(
      "<div class=\"card\"><span class=\"faint\">{}</span><b>{}</b><span class=\"faint\">{}</span></div>\n",
      escape_markup(label), escape_markup(value), escape_markup(detail));
}

std::string cards(const History& history, const train::StepInfo& step, double seconds) {
  std::string out = "<div class=\"grid\" style=\"--least:200px;margin-top:20px\">\n";
  for (auto split = history.splits.rbegin(); split != history.splits.rend(); ++split) {
    const json& line = split->last;
    out += card(fmt::format("{} top-1", split->name), percent(number(line, "top1")),
                fmt::format("top-5 {}, loss {:.4g}, step {}", percent(number(line, "top5")), number(line, "loss"),
                            number(line, "step")));
  }
  const std::string pace = std::isfinite(step.images_per_second)
                               ? fmt::format("{} pictures a second", format_count(step.images_per_second))
                               : "";
  return out + card("trained for", format_duration(seconds), pace) + "</div>\n";
}

std::string charts(const History& history) {
  Chart loss{"Loss", "step", false, false, {{"train", history.loss.points()}}};
  Chart accuracy{"Accuracy", "step", true, false, {{"train", {}}}};  // not measured, but the colours stay the same
  for (const History::Split& split : history.splits) {
    loss.series.push_back({split.name, split.loss.points(), true});
    accuracy.series.push_back({split.name, split.top1.points(), true});
  }
  Chart rate{"Learning rate", "step", false, true, {{"rate", history.rate.points()}}};
  Chart pace{"Pictures a second", "step", false, true, {{"training", history.pace.points()}}};
  if (!history.loader.points().empty()) pace.series.push_back({"loader could give", history.loader.points()});
  std::string out = "<h2>Curves</h2>\n<div class=\"grid\" style=\"--least:420px\">\n";
  for (const Chart* chart : {&loss, &accuracy, &rate, &pace}) {
    out += fmt::format("<div class=\"card\">{}</div>\n", chart_svg(*chart));
  }
  return out + "</div>\n";
}

struct ClassScore {
  size_t index;
  int64_t pictures, hits, predicted;
  double recall() const {
    return pictures ? static_cast<double>(hits) / static_cast<double>(pictures) : train::kUnknown;
  }
  double precision() const {
    return predicted ? static_cast<double>(hits) / static_cast<double>(predicted) : train::kUnknown;
  }
  double f1() const {
    return pictures + predicted ? 2.0 * static_cast<double>(hits) / static_cast<double>(pictures + predicted)
                                : train::kUnknown;
  }
};

// The weakest hundred classes first.
std::string class_table(const std::vector<int64_t>& counts, const std::vector<std::string>& names) {
  const size_t classes = names.size();
  std::vector<ClassScore> scores;
  for (size_t i = 0; i < classes; ++i) {
    ClassScore score{i, 0, counts[i * classes + i], 0};
    for (size_t j = 0; j < classes; ++j) {
      score.pictures += counts[i * classes + j];
      score.predicted += counts[j * classes + i];
    }
    scores.push_back(score);
  }
  const auto weaker = [](const ClassScore& a, const ClassScore& b) {
    return (std::isnan(a.recall()) ? 2 : a.recall()) < (std::isnan(b.recall()) ? 2 : b.recall());
  };
  std::stable_sort(scores.begin(), scores.end(), weaker);
  scores.resize(std::min<size_t>(scores.size(), 100), scores.front());
  std::string out =
      "<div class=\"card scroll\"><table><tr><th>class</th><th class=\"n\">pictures</th><th class=\"n\">recall</th>"
      "<th style=\"width:22%\"></th><th class=\"n\">precision</th><th class=\"n\">F1</th><th>most often taken "
      "for</th></tr>\n";
  for (const ClassScore& score : scores) {
    const auto row = std::span(counts).subspan(score.index * classes, classes);
    size_t worst = score.index == 0 ? classes - 1 : 0;
    for (size_t j = 0; j < classes; ++j) {
      if (j != score.index && row[j] > row[worst]) worst = j;
    }
    const bool mistaken = worst != score.index && row[worst] > 0;
    out += fmt::format(
        "<tr><td>{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td><div class=\"bar\" "
        "style=\"width:{:.1f}%\"></div></td>"
        "<td class=\"n\">{}</td><td class=\"n\">{}</td><td>{}</td></tr>\n",
        escape_markup(names[score.index]), score.pictures, percent(score.recall()),
        score.pictures ? 100 * score.recall() : 0, percent(score.precision()), percent(score.f1()),
        mistaken ? escape_markup(fmt::format("{} ({})", names[worst], row[worst])) : "");
  }
  return out + "</table></div>\n";
}

std::string classes(const std::string& split, const std::vector<int64_t>& counts,
                    const std::vector<std::string>& names) {
  if (names.empty() || counts.size() != names.size() * names.size()) return "";
  std::string out = fmt::format("<h2>Classes <span class=\"faint\">({})</span></h2>\n", escape_markup(split));
  out += class_table(counts, names);
  if (names.size() <= 100) {
    out += fmt::format(
        "<h2>What is taken for what</h2>\n<p class=\"faint\">Rows are the true classes, columns the answers.</p>\n"
        "<div class=\"card\" style=\"max-width:760px\">{}</div>\n",
        confusion_svg(counts, names));
  }
  return out;
}

std::string notes(const std::vector<json>& notes) {
  if (notes.empty()) return "";
  std::string rows;
  for (const json& line : notes) {
    const bool decision = word(line, "event") == "decision";
    rows += fmt::format(
        "<tr><td class=\"n\">{}</td><td>{}</td><td><code>{}</code></td></tr>\n", number(line, "step"),
        escape_markup(decision ? "decision" : word(line, "level")),
        escape_markup(decision ? fmt::format("{} = {}", word(line, "name"), word(line, "value")) : word(line, "text")));
  }
  return fmt::format(
      "<details><summary>Decisions and messages</summary><div class=\"card scroll\"><table>"
      "<tr><th class=\"n\">step</th><th>kind</th><th></th></tr>\n{}</table></div></details>\n",
      rows);
}

std::string options(const std::string& text) {
  const auto object = nlohmann::ordered_json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!object.is_object() || object.empty()) return "";
  std::string rows;
  for (const auto& [key, value] : object.items()) {
    rows +=
        fmt::format("<tr><td>{}</td><td><code>{}</code></td></tr>\n", escape_markup(key), escape_markup(value.dump()));
  }
  return fmt::format(
      "<details><summary>Options</summary><div class=\"card scroll\"><table>{}</table></div></details>\n", rows);
}

}  // namespace

void HtmlReport::on_start(const train::RunInfo& info) {
  info_ = info;
  step_ = {};
  step_.step = info.resumed_step;
  step_.total_steps = info.total_steps;
  step_.seconds_trained = info.seconds_trained;
}

void HtmlReport::on_eval(const train::EvalInfo& info) {
  if (!info.confusion.empty()) {
    confusion_of_ = series_name(info);
    confusion_.assign(info.confusion.begin(), info.confusion.end());
  }
  const double now = std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
  if (now < next_) return;
  write(nullptr);
  next_ = now + 10;
}

void HtmlReport::on_finish(const train::RunSummary& summary) {
  if (!info_.folder.empty()) write(&summary);  // else it was finished before, and has its page
}

void HtmlReport::write(const train::RunSummary* summary) {
  static constexpr const char* kEndings[] = {"finished", "stopped early", "interrupted", "failed"};
  const History history(info_.folder / "metrics.jsonl");
  std::string state = fmt::format("running: step {} of {}", step_.step, step_.total_steps);
  if (summary) state = fmt::format("{} after step {}", kEndings[static_cast<int>(summary->ending)], summary->step);
  std::string page = fmt::format(kHead, escape_markup(fmt::format("{} – tessera", info_.model)));
  page += fmt::format(
      "<h1>{}</h1>\n<div>{} parameters · {}</div>\n<div class=\"faint\">{} pictures, {} steps of {} an epoch; "
      "{}</div>\n",
      escape_markup(info_.model), format_count(static_cast<double>(info_.parameters)), escape_markup(info_.data),
      info_.training_pictures, info_.steps_per_epoch, info_.batch, state);
  if (summary && !summary->message.empty())
    page += fmt::format("<div><code>{}</code></div>\n", escape_markup(summary->message));
  if (summary && !summary->model_file.empty()) {
    page +=
        fmt::format("<div class=\"faint\">model: <code>{}</code></div>\n", escape_markup(summary->model_file.string()));
  }
  page += cards(history, step_, summary ? summary->seconds_trained : step_.seconds_trained);
  page += charts(history);
  page += classes(confusion_of_, confusion_, info_.class_names);
  page += options(info_.options_json);
  page += notes(history.notes);
  write_atomically(info_.folder / "report.html", page + "</main></body></html>\n");
}

}  // namespace tessera::report
