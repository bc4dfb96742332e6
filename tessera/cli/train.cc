// tessera train: from a data set to a model file.
#include <filesystem>

#include "tessera/cli/interrupt.h"
#include "tessera/cli/output.h"
#include "tessera/cli/registry.h"
#include "tessera/cli/run_place.h"
#include "tessera/cli/train_choice.h"
#include "tessera/core/error.h"

namespace tessera::cli {

namespace fs = std::filesystem;

namespace {

struct TrainCommand {
  TrainChoice choice;
  std::string recipe, out, schedule_from;
  bool resume = false;

  void visit(Options& o) {
    o.section("Data and model");
    choice.visit_data(o);
    choice.visit_share(o);
    o.section("Run");
    o("recipe", recipe, "options from a TOML file, or a recipe that comes with tessera; flags win")
        .placeholder("FILE|NAME")
        .local();
    o("out", out, "the folder of the run; a new one below runs/ where none is given").placeholder("DIR").local();
    o("resume", resume, "goes on with the run in --out; begins it where there is none").local();
    o("schedule_from", schedule_from, "the folder of a run whose decisions (how long to train) are taken again")
        .placeholder("DIR")
        .local();
    choice.train.visit(o);
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
  o.choice.complete(options);

  const data::DataSets sets = o.choice.data.open(/*train=*/true, o.choice.train.seed());
  suit(o.choice, options, sets);
  PreparedRun run = prepare(o.choice, sets);
  train::TrainJob& job = run.job;
  job.folder = o.out.empty() ? fresh_run_folder(fs::path(run.start.name).stem().string()) : fs::path(o.out);
  job.resume = o.resume;
  job.schedule_from = o.schedule_from;
  job.options_json = options.to_json();
  const Interrupt interrupt;
  job.stop = &interrupt.asked();

  const train::RunSummary summary = train_with_observers(job, o.choice.train);
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
