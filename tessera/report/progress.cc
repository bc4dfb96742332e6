#include "tessera/report/progress.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <vector>

#include "tessera/core/text.h"

namespace tessera::report {
namespace {

constexpr std::string_view kErase = "\r\x1b[K";  // back to the first column, and clear to the end of the line
constexpr std::string_view kDot = " · ";

double steady_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

size_t terminal_columns(std::FILE* out) {
  winsize size{};
  return ioctl(fileno(out), TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

std::string percent(double fraction) { return fmt::format("{:.1f} %", 100 * fraction); }

struct Part {
  std::string text;
  int weight;  // the lightest goes first where the line is narrow
};

std::string joined(const std::vector<Part>& parts) {
  std::string line;
  for (const Part& part : parts) line.append(line.empty() ? "" : kDot).append(part.text);
  return line;
}

}  // namespace

bool is_terminal(std::FILE* out) {
  const char* kind = std::getenv("TERM");
  return isatty(fileno(out)) && kind && std::string_view(kind) != "dumb";
}

Progress::Progress(std::FILE* out, ProgressStyle style) : out_(out), style_(std::move(style)) {
  if (style_.seconds_between < 0) style_.seconds_between = style_.terminal ? 0.1 : 10;
  if (!style_.now) style_.now = steady_seconds;
}

Progress::~Progress() {
  if (live_) write("\n");
}

void Progress::on_start(const train::RunInfo& info) {
  steps_per_epoch_ = info.steps_per_epoch;
  print(fmt::format("{}{}{} parameters{}{}: {} pictures, {} steps of {} an epoch", info.model, kDot,
                    format_count(static_cast<double>(info.parameters)), kDot, info.data, info.training_pictures,
                    info.steps_per_epoch, info.batch));
  if (info.resumed_step > 0) {
    print(fmt::format("goes on after step {}, trained for {} so far", info.resumed_step,
                      format_duration(info.seconds_trained)));
  }
}

void Progress::on_step(const train::StepInfo& info) {
  step_ = info;
  if (style_.now() >= next_) draw();
}

void Progress::on_eval(const train::EvalInfo& info) {
  accuracy_ = fmt::format("{} {}", info.split, percent(info.top1));
  std::string line = fmt::format("step {}: {}{} top-1 {}", info.step, info.split, info.ema ? " (averaged weights)" : "",
                                 percent(info.top1));
  if (std::isfinite(info.top5)) line += fmt::format(", top-5 {}", percent(info.top5));
  if (std::isfinite(info.loss)) line += fmt::format(", loss {:.4g}", info.loss);
  print(line + fmt::format(" ({})", format_duration(info.seconds)));
}

void Progress::on_decision(int64_t step, std::string_view name, std::string_view value) {
  print(fmt::format("step {}: decided {} = {}", step, name, value));
}

void Progress::on_message(train::Level level, std::string_view text) {
  static constexpr const char* kHeads[] = {"", "warning: ", "error: "};
  print(fmt::format("{}{}", kHeads[static_cast<int>(level)], text));
}

void Progress::on_finish(const train::RunSummary& summary) {
  static constexpr const char* kEndings[] = {"finished", "stopped early", "interrupted", "failed"};
  std::string line = fmt::format("{} after step {}, trained for {}", kEndings[static_cast<int>(summary.ending)],
                                 summary.step, format_duration(summary.seconds_trained));
  if (!summary.model_file.empty()) line += fmt::format("; the model is {}", summary.model_file.string());
  if (live_) write(kErase);
  live_ = false;
  print(line);
  if (!summary.message.empty()) print(summary.message);
}

std::string Progress::status(size_t columns) const {
  std::vector<Part> parts;
  const auto add = [&](int weight, std::string text) { parts.push_back({std::move(text), weight}); };
  const int64_t per_epoch = steps_per_epoch_, total = step_.total_steps;
  if (per_epoch > 0) {
    const std::string of = total > 0 ? fmt::format("/{}", (total + per_epoch - 1) / per_epoch) : "";
    add(6, fmt::format("epoch {}{}", step_.epoch + 1, of));
  }
  add(3, total > 0 ? fmt::format("step {}/{}", step_.step, total) : fmt::format("step {}", step_.step));
  add(7, fmt::format("loss {:.4g}", step_.loss));
  if (!accuracy_.empty()) add(4, accuracy_);
  if (std::isfinite(step_.images_per_second)) {
    add(2, fmt::format("{} pictures/s", format_count(step_.images_per_second)));
  }
  if (std::isfinite(step_.loader_images_per_second)) {
    add(0, fmt::format("loader {}/s", format_count(step_.loader_images_per_second)));
  }
  if (std::isfinite(step_.learning_rate)) add(1, fmt::format("rate {:.3g}", step_.learning_rate));
  if (std::isfinite(step_.seconds_left)) add(5, fmt::format("{} left", format_duration(step_.seconds_left)));
  if (style_.more) add(8, style_.more(step_));
  while (parts.size() > 1 && width_of(joined(parts)) > columns) {
    const auto lighter = [](const Part& a, const Part& b) { return a.weight < b.weight; };
    parts.erase(std::min_element(parts.begin(), parts.end(), lighter));
  }
  const std::string line = joined(parts);
  return width_of(line) <= columns ? line : "";
}

void Progress::draw() {
  next_ = style_.now() + style_.seconds_between;
  if (!style_.terminal) return write(status(~size_t{0}) + "\n");
  // The last column stays free: many terminals wrap when it is filled.
  const size_t columns = style_.columns > 0 ? static_cast<size_t>(style_.columns) : terminal_columns(out_);
  write(fmt::format("{}{}", kErase, status(columns - 1)));
  live_ = true;
}

void Progress::print(std::string_view line) {
  if (!live_) return write(fmt::format("{}\n", line));
  write(fmt::format("{}{}\n", kErase, line));
  draw();
}

void Progress::write(std::string_view text) {
  if (broken_) return;
  broken_ = std::fwrite(text.data(), 1, text.size(), out_) != text.size() || std::fflush(out_) != 0;
}

}  // namespace tessera::report
