#include "tessera/cli/compare_runs.h"

#include <algorithm>

#include "tessera/cli/run_place.h"
#include "tessera/core/error.h"
#include "tessera/core/text.h"
#include "tessera/models/registry.h"

namespace tessera::cli {
namespace {

Contender contender(const std::string& word) {
  if (const std::filesystem::path file = recipe_file(word); !file.empty()) return {file.stem().string(), file};
  const std::vector<std::string>& models = models::registry().variants.names();
  if (std::count(models.begin(), models.end(), word) > 0) return {word, {}};
  std::vector<std::string> known = recipe_names();
  known.insert(known.end(), models.begin(), models.end());
  fail_usage("there is no recipe and no registered model '{}'{}", word, did_you_mean(word, known));
}

std::string counted(int64_t count, const char* what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

}  // namespace

void CompareOptions::visit(Options& o) {
  o("recipes", recipes, "recipes (files, or names of those that come with tessera) and registered models")
      .positional()
      .placeholder("RECIPE|MODEL…")
      .required();
  o.section("Comparison");
  o("seeds", seeds, "runs of each with different seeds: --seed, the next one, and so on").at_least(1).at_most(1000);
  o("share", shares, "shares of the training pictures of each class, drawn by the seed: each recipe is trained at each")
      .above(0)
      .at_most(1)
      .placeholder("SHARE,…");
  o("out", out, "the folder of the comparison; what is done there is not done again, what was begun goes on")
      .placeholder("DIR")
      .local();
  o.section("Data and model, of all runs: they win over recipes");
  choice.visit_data(o);
  choice.train.visit(o);
}

report::Terms CompareOptions::terms() const {
  report::Terms terms{.data = choice.data.data, .budget = {}};
  for (const std::string& setting : choice.data.data_set) terms.data += " --data-set " + setting;
  for (const std::string& name : choice.data.selection.classes) terms.data += " --classes " + name;
  if (const int64_t count = choice.data.selection.per_class; count > 0)
    terms.data += fmt::format(" --per-class {}", count);
  const train::TrainOptions& t = choice.train;
  if (t.epochs > 0) terms.budget = counted(t.epochs, "epoch");
  if (t.steps > 0) terms.budget = counted(t.steps, "step");
  if (t.minutes > 0) terms.budget = fmt::format("{} minute{}", t.minutes, t.minutes == 1 ? "" : "s");
  if (t.macs > 0) terms.budget = fmt::format("{} multiply-accumulates of training", t.macs);
  if (shares.empty()) fail_usage("option '--share' is empty: give shares of the training pictures, such as 0.05,0.2,1");
  if (terms.budget.empty())
    fail_usage("one of --minutes, --epochs, --macs and --steps is missing: what every run may take");
  return terms;
}

std::vector<Contender> contenders(const std::vector<std::string>& words) {
  std::vector<Contender> all;
  for (const std::string& word : words) {
    const Contender next = contender(word);
    for (const Contender& other : all)
      if (other.name == next.name)
        fail_usage("'{}' is named twice; a comparison calls a recipe by its file's name", next.name);
    all.push_back(next);
  }
  return all;
}

std::string PlannedRun::name() const {
  const std::string pictures = share < 1 ? fmt::format(", {:.4g} % of the pictures", 100 * share) : "";
  return fmt::format("{}{}, seed {}", contender.name, pictures, seed);
}

std::vector<PlannedRun> planned_runs(const CompareOptions& options) {
  const std::vector<Contender> all = contenders(options.recipes);
  std::vector<PlannedRun> runs;
  for (int64_t i = 0; i < options.seeds; ++i) {
    for (const double share : options.shares) {
      for (const Contender& contender : all) {
        const int64_t seed = options.choice.train.seed_value + i;
        const std::string at = share < 1 ? fmt::format("share-{}-", share) : "";
        runs.push_back({contender, share, seed, fmt::format("{}/{}seed-{}", contender.name, at, seed)});
      }
    }
  }
  return runs;
}

RunOptions::RunOptions(const Arguments& arguments, const PlannedRun& run) {
  values.visit(given);
  given.parse(arguments);
  if (!run.contender.recipe.empty()) {
    given.read_toml_file(run.contender.recipe);
  } else {
    for (const char* option : {"model", "architecture"})
      if (given.is_set(option))
        fail_usage("option '--{}' names a model for recipes, but '{}' is a model itself", option, run.contender.name);
    given.set("model", run.contender.name, Source::file, run.contender.name);
  }
  for (const char* option : {"data", "data_set", "classes", "per_class", "share"})
    if (given.is_set(option) && !given.source_of(option).starts_with("--"))
      fail_usage("{}: '{}' is for all runs of a comparison: give it on the command line, where it wins over recipes",
                 run.contender.recipe.string(), option);
  choice().complete(given);
  choice().train.seed_value = run.seed;
  choice().data.selection.share = run.share;
}

data::DataSets SharedData::of(const TrainChoice& choice) {
  std::string key = choice.data.data;
  for (const std::string& setting : choice.data.data_set) key += "\n" + setting;
  auto found = whole_.find(key);
  if (found == whole_.end()) found = whole_.emplace(key, choice.data.open_whole(/*train=*/true)).first;
  return data::select(found->second, choice.data.selection, choice.train.seed());
}

}  // namespace tessera::cli
