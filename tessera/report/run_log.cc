#include "tessera/report/run_log.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

#include "tessera/core/file.h"

namespace tessera::report {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr std::string_view kHeader =
    "step,epoch,seconds,split,loss,top1,top5,learning_rate,gradient_norm,images_per_second,loader_images_per_second\n";

std::string cell(double value) { return std::isfinite(value) ? fmt::format("{}", value) : ""; }

// The length of the lines before the first that is unfinished or that `keeps` does not keep.
template <class Keeps>
size_t whole_lines(std::string_view text, const Keeps& keeps) {
  size_t kept = 0;
  for (size_t end; (end = text.find('\n', kept)) != std::string_view::npos; kept = end + 1) {
    if (!keeps(text.substr(kept, end - kept))) break;
  }
  return kept;
}

bool json_keeps(std::string_view line, int64_t last_step) {
  const json object = json::parse(line, nullptr, /*allow_exceptions=*/false);
  return object.is_object() && object.contains("step") && object["step"].is_number_integer() &&
         object["step"] <= last_step;
}

bool csv_keeps(std::string_view line, int64_t last_step) {
  int64_t step = 0;
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), step);
  return error == std::errc() && *end == ',' && step <= last_step;
}

std::string existing(const std::filesystem::path& path) { return std::filesystem::exists(path) ? read_text(path) : ""; }

}  // namespace

std::string series_name(const train::EvalInfo& info) { return info.ema ? info.split + "_ema" : info.split; }

void RunLog::on_start(const train::RunInfo& info) {
  step_ = info.resumed_step;
  const std::filesystem::path json_path = info.folder / "metrics.jsonl", csv_path = info.folder / "metrics.csv";
  size_t json_size = 0, csv_size = 0;
  if (step_ > 0) {
    const std::string json_text = existing(json_path), csv_text = existing(csv_path);
    json_size = whole_lines(json_text, [&](std::string_view line) { return json_keeps(line, step_); });
    if (csv_text.starts_with(kHeader)) {
      const std::string_view rows = std::string_view(csv_text).substr(kHeader.size());
      csv_size = kHeader.size() + whole_lines(rows, [&](std::string_view line) { return csv_keeps(line, step_); });
    }
  }
  json_.emplace(json_path, json_size);
  csv_.emplace(csv_path, csv_size);
  if (csv_size == 0) csv_->append(kHeader);
  write({{"event", "start"},
         {"step", step_},
         {"model", info.model},
         {"parameters", info.parameters},
         {"data", info.data},
         {"training_pictures", info.training_pictures},
         {"batch", info.batch},
         {"steps_per_epoch", info.steps_per_epoch},
         {"total_steps", info.total_steps},
         {"seconds", info.seconds_trained}});
}

void RunLog::on_step(const train::StepInfo& info) {
  step_ = info.step;
  if (info.step != 1 && info.step % every_ != 0 && info.step != info.total_steps) return;
  write({{"event", "step"},
         {"step", info.step},
         {"epoch", info.epoch},
         {"seconds", info.seconds_trained},
         {"loss", info.loss},
         {"learning_rate", info.learning_rate},
         {"gradient_norm", info.gradient_norm},
         {"images_per_second", info.images_per_second},
         {"loader_images_per_second", info.loader_images_per_second}});
  csv_->append(fmt::format("{},{},{},train,{},,,{},{},{},{}\n", info.step, info.epoch, cell(info.seconds_trained),
                           cell(info.loss), cell(info.learning_rate), cell(info.gradient_norm),
                           cell(info.images_per_second), cell(info.loader_images_per_second)));
}

void RunLog::on_eval(const train::EvalInfo& info) {
  step_ = info.step;
  write({{"event", "eval"},
         {"step", info.step},
         {"epoch", info.epoch},
         {"split", series_name(info)},
         {"top1", info.top1},
         {"top5", info.top5},
         {"loss", info.loss},
         {"seconds", info.seconds}});
  csv_->append(fmt::format("{},{},,{},{},{},{},,,,\n", info.step, info.epoch, series_name(info), cell(info.loss),
                           cell(info.top1), cell(info.top5)));
}

void RunLog::on_checkpoint(int64_t step, const std::filesystem::path& path, bool best) {
  write({{"event", "checkpoint"}, {"step", step_ = step}, {"file", path.filename().string()}, {"best", best}});
}

void RunLog::on_decision(int64_t step, std::string_view name, std::string_view value) {
  write({{"event", "decision"}, {"step", step_ = step}, {"name", name}, {"value", value}});
}

void RunLog::on_message(train::Level level, std::string_view text) {
  static constexpr const char* kLevels[] = {"info", "warning", "error"};
  write({{"event", "message"}, {"step", step_}, {"level", kLevels[static_cast<int>(level)]}, {"text", text}});
}

void RunLog::on_finish(const train::RunSummary& summary) {
  static constexpr const char* kEndings[] = {"finished", "stopped_early", "interrupted", "failed"};
  write({{"event", "finish"},
         {"step", summary.step},
         {"epoch", summary.epoch},
         {"ending", kEndings[static_cast<int>(summary.ending)]},
         {"message", summary.message},
         {"seconds", summary.seconds_trained},
         {"model_file", summary.model_file.filename().string()}});
}

// Messages may come before the start, when there is no folder yet.
void RunLog::write(const ordered_json& line) {
  if (json_) json_->append(line.dump(-1, ' ', false, ordered_json::error_handler_t::replace) + "\n");
}

void read_log(const std::filesystem::path& path, const std::function<void(const json& line)>& visit) {
  const std::string text = existing(path);
  whole_lines(text, [&](std::string_view line) {
    const json object = json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (object.is_object()) visit(object);
    return object.is_object();
  });
}

}  // namespace tessera::report
