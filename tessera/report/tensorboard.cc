#include "tessera/report/tensorboard.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>

#include "tessera/core/error.h"
#include "tessera/core/file.h"
#include "tessera/report/event_file.h"
#include "tessera/report/run_log.h"

namespace tessera::report {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "events.out.tfevents.";

double seconds_since_1970() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::vector<fs::path> event_files(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    if (entry.path().filename().string().starts_with(kPrefix)) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

// TensorBoard reads the files of a folder in the order of their names, so a new name comes after all others.
std::string new_name(const std::vector<fs::path>& before) {
  auto second = static_cast<int64_t>(seconds_since_1970());
  if (!before.empty()) {
    const std::string last = before.back().filename().string().substr(kPrefix.size(), 10);
    second = std::max<int64_t>(second, std::atoll(last.c_str()) + 1);
  }
  return fmt::format("{}{:010}.tessera", kPrefix, second);
}

}  // namespace

void TensorBoard::on_start(const train::RunInfo& info) {
  const fs::path folder = info.folder / "tensorboard";
  std::error_code error;
  fs::create_directories(folder, error);
  TESSERA_CHECK(!error, "cannot make the folder '{}': {}", folder.string(), error.message());
  std::vector<fs::path> files = event_files(folder);
  for (const fs::path& file : files) {
    if (info.resumed_step == 0) {
      fs::remove(file);
    } else {
      AppendFile(file, whole_records(read_text(file), info.resumed_step));
    }
  }
  file_.emplace(folder / new_name(files), 0);
  file_->append(file_version_record(seconds_since_1970()));
  file_->append(session_start_record(seconds_since_1970(), info.resumed_step + 1));
}

void TensorBoard::on_step(const train::StepInfo& info) {
  if (info.step != 1 && info.step % every_ != 0 && info.step != info.total_steps) return;
  write(info.step, {{"train/loss", info.loss},
                    {"train/learning_rate", info.learning_rate},
                    {"train/gradient_norm", info.gradient_norm},
                    {"speed/images_per_second", info.images_per_second},
                    {"speed/loader_images_per_second", info.loader_images_per_second}});
}

void TensorBoard::on_eval(const train::EvalInfo& info) {
  const std::string split = series_name(info);
  write(info.step, {{split + "/top1", info.top1}, {split + "/top5", info.top5}, {split + "/loss", info.loss}});
}

void TensorBoard::write(int64_t step, const std::vector<std::pair<std::string, double>>& scalars) {
  std::vector<std::pair<std::string, float>> known;
  for (const auto& [tag, value] : scalars) {
    if (!std::isnan(value)) known.emplace_back(tag, static_cast<float>(value));
  }
  if (file_ && !known.empty()) file_->append(scalars_record(seconds_since_1970(), step, known));
}

}  // namespace tessera::report
