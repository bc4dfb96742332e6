#include "tessera/train/run_folder.h"

#include <fmt/chrono.h>
#include <unistd.h>

#include <chrono>
#include <nlohmann/json.hpp>

#include "tessera/core/file.h"
#include "tessera/core/parallel.h"
#include "tessera/weights/model_file.h"

namespace tessera::train {

namespace {

using nlohmann::ordered_json;

ordered_json to_json(const std::vector<Score>& scores) {
  ordered_json list = ordered_json::array();
  for (const Score& score : scores)
    list.push_back({{"split", score.split},
                    {"weights", score.ema ? "averaged" : "last"},
                    {"step", score.step},
                    {"accuracy", score.accuracy},
                    {"loss", score.loss}});
  return list;
}

std::string host() {
  char name[256] = {};
  return gethostname(name, sizeof(name) - 1) == 0 ? name : "unknown";
}

const char* name_of(Ending ending) {
  switch (ending) {
    case Ending::finished:
      return "finished";
    case Ending::stopped_early:
      return "stopped early";
    case Ending::interrupted:
      return "interrupted";
    case Ending::failed:
      return "failed";
  }
  return "";
}

}  // namespace

RunFolder open_run_folder(const std::filesystem::path& path, bool resume) {
  if (path.empty()) fail_usage("training needs a folder for its files");
  const RunFolder folder{path};
  std::error_code error;
  std::filesystem::create_directories(path, error);
  TESSERA_CHECK(!error, "{}: the folder of the run cannot be made: {}", path.string(), error.message());
  if (!resume && (exists(folder.checkpoint()) || exists(folder.model()) || exists(folder.record())))
    fail_usage("{} holds a run already: go on with it (--resume), or train into another folder (--out)", path.string());
  return folder;
}

void save_model_file(const std::filesystem::path& path, const TrainJob& job, const std::string& training_options,
                     int64_t step, bool ema, const std::vector<Score>& scores) {
  image::Preprocess preprocess = job.preprocess;
  Options declared;
  preprocess.visit(declared);
  const ordered_json training = {{"options", ordered_json::parse(training_options)},
                                 {"step", step},
                                 {"weights", ema ? "averaged" : "last"},
                                 {"scores", to_json(scores)}};
  weights::save_model(path, *job.model,
                      {.architecture = job.model->architecture(),
                       .preprocess = declared.to_json(),
                       .class_names = job.data.train->class_names(),
                       .training = training.dump()});
}

void save_record(const std::filesystem::path& path, const RunInfo& info, const std::optional<RunSummary>& summary,
                 const std::vector<Score>& scores) {
  ordered_json record = {{"model", info.model},
                         {"parameters", info.parameters},
                         {"macs", info.macs},
                         {"data", info.data},
                         {"training_pictures", info.training_pictures},
                         {"batch", info.batch},
                         {"host", host()},
                         {"threads", num_threads()},
                         {"written", fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)))},
                         {"options", ordered_json::parse(info.options_json)}};
  if (summary) {
    record["ending"] = name_of(summary->ending);
    record["message"] = summary->message;
    record["step"] = summary->step;
    record["seconds_trained"] = summary->seconds_trained;
  }
  record["scores"] = to_json(scores);
  write_atomically(path, record.dump(2) + "\n");
}

std::optional<RunRecord> load_record(const std::filesystem::path& path) {
  if (!exists(path)) return std::nullopt;
  try {
    const ordered_json json = ordered_json::parse(read_text(path));
    RunRecord record{.model = json.at("model"),
                     .parameters = json.at("parameters"),
                     .macs = json.value("macs", int64_t{0}),
                     .data = json.at("data"),
                     .training_pictures = json.at("training_pictures"),
                     .batch = json.value("batch", int64_t{0}),
                     .options_json = json.at("options").dump(),
                     .ending = json.value("ending", ""),
                     .step = json.value("step", int64_t{0}),
                     .seconds = json.value("seconds_trained", 0.0)};
    const auto number = [](const ordered_json& value) { return value.is_null() ? kUnknown : value.get<double>(); };
    for (const ordered_json& score : json.at("scores"))
      record.scores.push_back({score.at("split"), score.at("weights") == "averaged", score.at("step"),
                               number(score.at("accuracy")), number(score.at("loss"))});
    return record;
  } catch (const ordered_json::exception& e) {
    fail("{}: this is no record of a run: {}", path.string(), e.what());
  }
}

}  // namespace tessera::train
