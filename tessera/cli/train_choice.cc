#include "tessera/cli/train_choice.h"

#include "tessera/cli/describe.h"
#include "tessera/cli/output.h"
#include "tessera/cli/train_defaults.h"
#include "tessera/core/error.h"
#include "tessera/models/registry.h"
#include "tessera/report/html_report.h"
#include "tessera/report/run_log.h"
#include "tessera/report/tensorboard.h"

namespace tessera::cli {
namespace {

// Says where the run lies, once it has begun.
struct Opening final : train::Observer {
  explicit Opening(const std::vector<std::string>& data_notes) : notes(data_notes) {}
  void on_start(const train::RunInfo& info) override {
    for (const std::string& note : notes) print("note: {}\n", note);
    print("The run is kept in {}\n", info.folder.string());
    flush();
  }
  const std::vector<std::string>& notes;
};

// A length on the command line takes the place of a recipe's, whatever that is counted in.
void drop_overruled_lengths(const Options& given, train::TrainOptions& train) {
  const auto is_flag = [&](const char* name) { return given.source_of(name).starts_with("--"); };
  const bool any = is_flag("epochs") || is_flag("steps") || is_flag("minutes") || is_flag("macs");
  if (!any) return;
  if (!is_flag("epochs")) train.epochs = 0;
  if (!is_flag("steps")) train.steps = 0;
  if (!is_flag("minutes")) train.minutes = 0;
  if (!is_flag("macs")) train.macs = 0;
}

// Options of distillation without a teacher are a mistake.
void check_teacher(const Options& given, const TrainChoice& choice) {
  if (!choice.teacher.empty()) return;
  for (const char* name : {"distill", "distill_alpha", "distill_temperature", "distill_over_classes"})
    if (given.is_set(name)) fail_usage("{} is about a teacher: give one (--teacher FILE)", name);
}

}  // namespace

void TrainChoice::visit_data(Options& o) {
  data.visit(o);
  o("per_class", data.selection.per_class,
    "training pictures of each class, at most, those for validation among them; drawn by --seed; 0: all")
      .at_least(0);
  source.visit(o);
  o("img_size", img_size, "height and width of the pictures that the model takes, in place of its own; 0: those")
      .at_least(0)
      .placeholder("PIXELS");
  o("from", from,
    "what to fine-tune: a model file, the folder of its run, or weights of another origin; other defaults are then "
    "in force (docs/fine-tuning.md)")
      .placeholder("FILE");
  o("teacher", teacher,
    "whom to learn from besides the labels (--distill): a model file, the folder of its run, or weights of another "
    "origin, which tell the same classes apart")
      .placeholder("FILE");
  o("preprocess", preprocess, "changes how pictures are prepared: crop_pct=0.9, mean=0.5,0.5,0.5")
      .placeholder("KEY=VALUE");
}

void TrainChoice::visit_share(Options& o) {
  o("share", data.selection.share, "share of the training pictures of each class; drawn by --seed").above(0).at_most(1);
}

void TrainChoice::complete(const Options& given) {
  drop_overruled_lengths(given, train);
  train::check(train);
  check_teacher(given, *this);
  if (from.empty() && source.choice.given()) models::build(sized().choice.json());
}

SourceChoice TrainChoice::sized() const {
  SourceChoice sized = source;
  if (img_size > 0) sized.choice.set.push_back(fmt::format("img_size={}", img_size));
  return sized;
}

std::string TrainChoice::json(Options::Stored stored) {
  Options declared;
  visit_data(declared);
  visit_share(declared);
  train.visit(declared);
  return declared.to_json(stored);
}

void suit(TrainChoice& choice, const Options& given, const data::DataSets& sets) {
  TESSERA_CHECK(sets.train, "{}: this data set has no training part", choice.data.data);
  suit_photographs(given, *sets.train, choice.train.augmentation);
  if (!choice.from.empty()) suit_fine_tuning(given, sets, choice.train);
}

PreparedRun prepare(const TrainChoice& choice, data::DataSets sets) {
  PreparedRun run;
  run.start = starting_point(choice.sized(), choice.from.empty() ? "" : model_file(choice.from), choice.preprocess,
                             *sets.train, choice.train.seed());
  run.job.data = std::move(sets);
  std::vector<std::string>& notes = run.job.data.notes;
  for (const std::string& remark : run.start.remarks) notes.push_back(remark);
  run.job.model = run.start.model.get();
  run.job.model_name = run.start.name;
  run.job.preprocess = run.start.preprocess;
  if (!choice.teacher.empty()) {
    run.teacher = teacher_from(model_file(choice.teacher), *run.job.data.train, choice.data.data, notes);
    run.job.teacher = run.teacher.get();
  }
  if (const std::string note = tuned_share(*run.start.model, choice.train); !note.empty()) notes.push_back(note);
  if (const std::string note = cut_off(*run.start.model); !note.empty()) notes.push_back(note);
  return run;
}

train::RunSummary train_with_observers(const train::TrainJob& job, const train::TrainOptions& options,
                                       report::ProgressStyle style) {
  style.terminal = report::is_terminal(stdout);
  report::Progress progress(stdout, std::move(style));
  report::RunLog log;
  report::TensorBoard tensorboard;
  report::HtmlReport page;
  Opening opening(job.data.notes);
  train::Observers observers({&opening, &progress, &log, &tensorboard, &page});
  return train::train(job, options, observers);
}

}  // namespace tessera::cli
