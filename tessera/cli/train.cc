// tessera train: from a data set to a model file.
#include <filesystem>

#include "tessera/cli/data_choice.h"
#include "tessera/cli/describe.h"
#include "tessera/cli/interrupt.h"
#include "tessera/cli/output.h"
#include "tessera/cli/registry.h"
#include "tessera/cli/run_place.h"
#include "tessera/cli/train_defaults.h"
#include "tessera/cli/train_model.h"
#include "tessera/core/error.h"
#include "tessera/models/registry.h"
#include "tessera/report/html_report.h"
#include "tessera/report/progress.h"
#include "tessera/report/run_log.h"
#include "tessera/report/tensorboard.h"
#include "tessera/train/trainer.h"

namespace tessera::cli {

namespace fs = std::filesystem;

namespace {

struct TrainCommand {
  DataChoice data;
  SourceChoice source;
  int64_t img_size = 0;
  std::string from;
  std::vector<std::string> preprocess;
  std::string recipe, out, schedule_from;
  bool resume = false;
  train::TrainOptions train;

  void visit(Options& o) {
    o.section("Data and model");
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
    o("preprocess", preprocess, "changes how pictures are prepared: crop_pct=0.9, mean=0.5,0.5,0.5")
        .placeholder("KEY=VALUE");
    o.section("Run");
    o("recipe", recipe, "options from a TOML file, or a recipe that comes with tessera; flags win")
        .placeholder("FILE|NAME")
        .local();
    o("out", out, "the folder of the run; a new one below runs/ where none is given").placeholder("DIR").local();
    o("resume", resume, "goes on with the run in --out; begins it where there is none").local();
    o("schedule_from", schedule_from, "the folder of a run whose decisions (how long to train) are taken again")
        .placeholder("DIR")
        .local();
    train.visit(o);
  }
};

// The command that goes on with this run.
std::string resume_command(const Arguments& arguments, const TrainCommand& o, const fs::path& folder) {
  std::string command = "tessera train";
  for (const std::string& word : arguments) command += " " + shell_quoted(word);
  if (o.out.empty()) command += " --out " + shell_quoted(folder.string());
  if (!o.resume) command += " --resume";
  return command;
}

void print_files(const fs::path& folder) {
  print("\nIn {}:\n", folder.string());
  Table table("ll");
  for (const auto& [name, about] :
       {std::pair{"model.safetensors", "the model, with all that is needed to use it"},
        std::pair{"best.safetensors", "the same of the best validation"},
        std::pair{"report.html", "curves, accuracies and options on one page"},
        std::pair{"metrics.csv", "every step and evaluation as a table (metrics.jsonl: as JSON)"},
        std::pair{"tensorboard", "for tensorboard --logdir"},
        std::pair{"checkpoint.safetensors", "the state of the run, for --resume"},
        std::pair{"run.json", "options, results, machine and times"}})
    if (fs::exists(folder / name)) table.add({std::string("  ") + name, about});
  print("{}\nUse it:  tessera predict {} PICTURE\n", table.text(),
        shell_quoted((folder / "model.safetensors").string()));
}

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

train::RunSummary train_with_observers(train::TrainJob& job, const train::TrainOptions& options) {
  report::ProgressStyle style;
  style.terminal = report::is_terminal(stdout);
  report::Progress progress(stdout, style);
  report::RunLog log;
  report::TensorBoard tensorboard;
  report::HtmlReport page;
  Opening opening(job.data.notes);
  train::Observers observers({&opening, &progress, &log, &tensorboard, &page});
  return train::train(job, options, observers);
}

int run_train(const Arguments& arguments) {
  TrainCommand o;
  Options options("tessera train --data DATA [OPTIONS]",
                  "Trains a Vision Transformer. With --data alone it chooses a model for the size of the pictures.");
  o.visit(options);
  if (!parse(options, arguments, [&] {
        if (!o.recipe.empty()) options.read_toml_file(find_recipe(o.recipe));
      }))
    return 0;
  if (o.resume && o.out.empty()) fail_usage("option '--resume' needs --out DIR: the folder of the run to go on with");
  if (o.img_size > 0) o.source.choice.set.push_back(fmt::format("img_size={}", o.img_size));
  train::check(o.train);
  if (o.from.empty() && o.source.choice.given())
    models::build(o.source.choice.json());  // refuses what cannot be before the data is opened

  train::TrainJob job;
  job.data = o.data.open(/*train=*/true, o.train.seed());
  TESSERA_CHECK(job.data.train, "{}: this data set has no training part", o.data.data);
  suit_photographs(options, *job.data.train, o.train.augmentation);
  if (!o.from.empty()) suit_fine_tuning(options, job.data, o.train);
  StartingPoint start =
      starting_point(o.source, o.from.empty() ? "" : model_file(o.from), o.preprocess, *job.data.train, o.train.seed());
  for (const std::string& remark : start.remarks) job.data.notes.push_back(remark);
  job.model = start.model.get();
  job.model_name = start.name;
  job.preprocess = start.preprocess;
  job.folder = o.out.empty() ? fresh_run_folder(fs::path(start.name).stem().string()) : fs::path(o.out);
  job.resume = o.resume;
  job.schedule_from = o.schedule_from;
  job.options_json = options.to_json();
  if (const std::string note = tuned_share(*start.model, o.train); !note.empty()) job.data.notes.push_back(note);
  if (const std::string note = cut_off(*start.model); !note.empty()) job.data.notes.push_back(note);
  const Interrupt interrupt;
  job.stop = &interrupt.asked();

  const train::RunSummary summary = train_with_observers(job, o.train);
  if (summary.ending == train::Ending::interrupted) {
    print("Go on with:\n  {}\n", resume_command(arguments, o, job.folder));
    return interrupt.exit_code();
  }
  print_files(job.folder);
  return 0;
}

}  // namespace

void register_train(Registry& registry) { registry.add("train", {"trains a model on a data set", run_train}); }

}  // namespace tessera::cli
