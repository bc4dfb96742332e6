#include "tessera/report/comparison.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "tessera/core/error.h"
#include "tessera/core/text.h"
#include "tessera/train/options.h"

namespace tessera::report {
namespace {

std::string percent(const Standing& standing) {
  if (standing.n == 1) return fmt::format("{:.2f} %", 100 * standing.mean);
  return fmt::format("{:.2f} ± {:.2f} %", 100 * standing.mean, 100 * standing.deviation);
}

Standing standing_of(const std::vector<const ComparedRun*>& runs) {
  const ComparedRun& first = *runs.front();
  Standing standing{.recipe = first.recipe,
                    .share = first.share,
                    .n = std::ssize(runs),
                    .split = first.split,
                    .parameters = first.parameters,
                    .macs = first.macs};
  const auto n = static_cast<double>(standing.n);
  for (const ComparedRun* run : runs) {
    standing.mean += run->accuracy / n;
    standing.seconds += run->seconds / n;
    standing.pictures += static_cast<double>(run->pictures) / n;
    standing.epochs += static_cast<double>(run->pictures) / static_cast<double>(run->training_pictures) / n;
    standing.training_macs += run->training_macs() / n;
  }
  double squares = 0;
  for (const ComparedRun* run : runs) squares += std::pow(run->accuracy - standing.mean, 2);
  standing.deviation = standing.n > 1 ? std::sqrt(squares / (n - 1)) : train::kUnknown;
  return standing;
}

// Whether some runs saw fewer than all pictures: the share is then told.
bool has_shares(const Comparison& comparison) {
  return std::any_of(comparison.runs.begin(), comparison.runs.end(),
                     [](const ComparedRun& run) { return run.share < 1; });
}

}  // namespace

double ComparedRun::training_macs() const {
  return train::kPasses * static_cast<double>(macs) * static_cast<double>(pictures);
}

ComparedRun compared_run(const train::RunRecord& record, const std::string& recipe, double share, int64_t seed,
                         const std::string& folder) {
  ComparedRun run{.recipe = recipe,
                  .share = share,
                  .seed = seed,
                  .model = record.model,
                  .parameters = record.parameters,
                  .macs = record.macs,
                  .steps = record.step,
                  .pictures = record.step * record.batch,
                  .training_pictures = record.training_pictures,
                  .seconds = record.seconds,
                  .folder = folder};
  for (const train::Score& score : record.scores) {  // the averaged weights come last
    if (run.split == "test" && score.split != "test") continue;
    run.split = score.split;
    run.accuracy = score.accuracy;
    run.loss = score.loss;
  }
  TESSERA_CHECK(!run.split.empty(),
                "{}: the run was evaluated on nothing: the data has no test part, and val_fraction is 0", folder);
  return run;
}

void Comparison::add(ComparedRun run) {
  if (const ComparedRun* before = find(run.recipe, run.share, run.seed)) {
    runs[static_cast<size_t>(before - runs.data())] = std::move(run);
  } else {
    runs.push_back(std::move(run));
  }
}

const ComparedRun* Comparison::find(const std::string& recipe, double share, int64_t seed) const {
  const auto found = std::find_if(runs.begin(), runs.end(), [&](const ComparedRun& run) {
    return run.recipe == recipe && run.share == share && run.seed == seed;
  });
  return found == runs.end() ? nullptr : &*found;
}

std::vector<Standing> Comparison::standings() const {
  std::vector<std::string> recipes;
  std::map<std::pair<std::string, double>, std::vector<const ComparedRun*>> together;
  for (const ComparedRun& run : runs) {
    if (std::find(recipes.begin(), recipes.end(), run.recipe) == recipes.end()) recipes.push_back(run.recipe);
    together[{run.recipe, run.share}].push_back(&run);
  }
  std::vector<Standing> all;
  for (const std::string& recipe : recipes)
    for (const auto& [key, group] : together)
      if (key.first == recipe) all.push_back(standing_of(group));
  return all;
}

std::vector<std::string> comparison_columns(const Comparison& comparison) {
  const std::string split = comparison.runs.empty() ? "test" : comparison.runs.front().split;
  std::vector<std::string> columns = {
      "recipe", "n", fmt::format("{} top-1", split), "parameters", "operations", "epochs", "minutes", "training"};
  if (has_shares(comparison)) columns.insert(columns.begin() + 1, "share");
  return columns;
}

std::vector<std::vector<std::string>> comparison_rows(const Comparison& comparison) {
  std::vector<std::vector<std::string>> rows;
  for (const Standing& standing : comparison.standings()) {
    std::vector<std::string>& row = rows.emplace_back();
    row = {standing.recipe,
           fmt::format("{}", standing.n),
           percent(standing),
           format_count(static_cast<double>(standing.parameters)),
           format_count(static_cast<double>(standing.macs)),
           fmt::format("{:.3g}", standing.epochs),
           fmt::format("{:.3g}", standing.seconds / 60),
           format_count(standing.training_macs)};
    if (has_shares(comparison)) row.insert(row.begin() + 1, fmt::format("{:.4g} %", 100 * standing.share));
  }
  return rows;
}

}  // namespace tessera::report
