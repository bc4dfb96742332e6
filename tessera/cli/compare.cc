// tessera compare: several ways to train on one data set under one budget, with several seeds each, side by side.
#include <cmath>
#include <filesystem>
#include <new>
#include <optional>

#include "tessera/cli/compare_runs.h"
#include "tessera/cli/compare_time.h"
#include "tessera/cli/interrupt.h"
#include "tessera/cli/output.h"
#include "tessera/core/error.h"
#include "tessera/core/text.h"
#include "tessera/train/difference.h"
#include "tessera/train/run_folder.h"

namespace tessera::cli {

namespace fs = std::filesystem;

namespace {

class CompareCommand {
 public:
  CompareCommand(const Arguments& arguments, const CompareOptions& options);

  int run();

 private:
  struct Job {
    PlannedRun plan;
    TimedRun timed;
  };

  // A run that may be made.
  struct Ready {
    Ready(const Arguments& arguments, const PlannedRun& plan, SharedData& data);
    PreparedRun prepared() const { return prepare(choice, sets); }

    RunOptions options;
    TrainChoice& choice;
    data::DataSets sets;
  };

  void check_all();
  void take_what_is_done();
  bool train(size_t index);  // false: the run failed
  double seconds_after(size_t index) const;
  void take(const Job& job, const train::RunRecord& record);
  fs::path record_of(const PlannedRun& plan) const { return folder_ / plan.folder / "run.json"; }
  void print_table() const;

  const Arguments& arguments_;
  const fs::path folder_;
  report::Comparison comparison_;
  SharedData data_;
  CompareTime time_;
  std::vector<Job> jobs_;               // to be done
  std::vector<PlannedRun> all_;         // of this command
  std::optional<Interrupt> interrupt_;  // from the first run on
};

CompareCommand::Ready::Ready(const Arguments& arguments, const PlannedRun& plan, SharedData& data)
    : options(arguments, plan), choice(options.choice()), sets(data.of(choice)) {
  suit(choice, options.given, sets);
}

CompareCommand::CompareCommand(const Arguments& arguments, const CompareOptions& options)
    : arguments_(arguments),
      folder_(options.out),
      comparison_(report::load_comparison(folder_)),
      time_(60 * options.choice.train.minutes),
      all_(planned_runs(options)) {
  const report::Terms terms = options.terms();
  if (!comparison_.runs.empty() && comparison_.terms != terms)
    fail_usage("{} compares runs of {} on {}, not of {} on {}: give another folder (--out)", folder_.string(),
               comparison_.terms.budget, comparison_.terms.data, terms.budget, terms.data);
  comparison_.terms = terms;
}

// What the whole run will cost, as CompareTime wants it; 0 where it is given in minutes.
double planned_macs(const train::TrainOptions& o, const train::TrainJob& job) {
  if (o.macs > 0) return o.macs;
  const auto pictures = static_cast<double>(job.data.train->size());
  const double kept = job.data.validation ? pictures : (1 - o.val_fraction) * pictures;
  const double trained = o.steps > 0 ? static_cast<double>(o.steps * o.batch) : static_cast<double>(o.epochs) * kept;
  return train::kPasses * static_cast<double>(job.model->macs()) * trained;
}

// Refuses what cannot be before the first run begins, and whatever does not belong to the runs that are there.
void CompareCommand::check_all() {
  std::string first;
  std::shared_ptr<const data::DataSet> test;
  for (const PlannedRun& plan : all_) {
    Ready run(arguments_, plan, data_);
    const data::DataSets& sets = run.sets;
    if (!sets.test && !sets.validation && run.choice.train.val_fraction == 0)
      fail_usage("{}: nothing to compare by: the data has no test part, and val_fraction is 0; give it a value above 0",
                 plan.contender.name);
    const auto tested = sets.test ? sets.test : sets.validation ? sets.validation : sets.train;
    if (!test) {
      test = tested;
      first = plan.contender.name;
    }
    if (tested->class_names() != test->class_names())
      fail_usage("{} and {} are about different classes, which cannot be compared; --classes is for all", first,
                 plan.contender.name);
    const std::optional<train::RunRecord> record = train::load_record(record_of(plan));
    if (!record) continue;
    const std::string differs =
        train::difference(record->options_json, run.choice.json(Options::Stored::results), train::Keys::common);
    if (!differs.empty())
      fail_usage("{} was begun otherwise: {}; give another folder (--out), or the options of then",
                 (folder_ / plan.folder).string(), differs);
  }
}

void CompareCommand::take_what_is_done() {
  struct Kind {
    double macs;  // of a run
    int64_t parameters, macs_of_picture;
  };
  std::map<std::string, Kind> kinds;  // each way to train at each share
  for (const PlannedRun& plan : all_) {
    const std::string name = fmt::format("{} {}", plan.contender.name, plan.share);
    if (!kinds.contains(name)) {
      const Ready ready(arguments_, plan, data_);
      const PreparedRun run = ready.prepared();
      try {
        train::check(run.job, ready.choice.train);
      } catch (const UsageError& error) {
        fail_usage("{}: {}", plan.contender.name, error.what());
      }
      kinds[name] = {planned_macs(ready.choice.train, run.job), run.start.model->num_parameters(),
                     run.start.model->macs()};
    }
    const Kind& kind = kinds[name];
    const Job job{plan, {name, kind.macs}};
    const std::optional<train::RunRecord> record = train::load_record(record_of(plan));
    if (record && (record->parameters != kind.parameters || record->macs != kind.macs_of_picture))
      fail_usage(
          "{} was made with another network, of {} parameters and {} multiply-accumulates, not {} and {}; give "
          "another folder (--out)",
          (folder_ / plan.folder).string(), record->parameters, record->macs, kind.parameters, kind.macs_of_picture);
    if (record && record->done()) {
      take(job, *record);
    } else {
      jobs_.push_back(job);
    }
  }
}

void CompareCommand::take(const Job& job, const train::RunRecord& record) {
  const auto& [plan, timed] = job;
  comparison_.add(report::compared_run(record, plan.contender.name, plan.share, plan.seed, plan.folder));
  time_.done(timed, record.seconds);
}

// Of the runs behind this one.
double CompareCommand::seconds_after(size_t index) const {
  double sum = 0;
  for (size_t i = index + 1; i < jobs_.size(); ++i) sum += time_.expected(jobs_[i].timed);
  return sum;
}

bool CompareCommand::train(size_t index) {
  const Job& job = jobs_[index];
  const double expected = time_.expected(job.timed) + seconds_after(index);
  print("\nRun {} of {}: {}{}\n", index + 1, jobs_.size(), job.plan.name(),
        std::isfinite(expected) ? fmt::format(" · about {} left for all", format_duration(expected)) : "");
  Ready ready(arguments_, job.plan, data_);
  report::ProgressStyle style;
  style.more = [&](const train::StepInfo& step) {
    CompareTime with_this = time_;  // the present run says something of the others, too
    with_this.done(job.timed, step.seconds_trained + step.seconds_left);
    double left = step.seconds_left;
    for (size_t i = index + 1; i < jobs_.size(); ++i) left += with_this.expected(jobs_[i].timed);
    return fmt::format("run {}/{}, all {} left", index + 1, jobs_.size(), format_duration(left));
  };
  try {
    PreparedRun run = ready.prepared();
    run.job.folder = folder_ / job.plan.folder;
    run.job.resume = true;
    run.job.options_json = ready.choice.json();
    run.job.stop = &interrupt_->asked();
    const train::RunSummary summary = train_with_observers(run.job, ready.choice.train, std::move(style));
    if (summary.ending == train::Ending::interrupted) return true;
    const auto record = train::load_record(record_of(job.plan));
    TESSERA_CHECK(record && record->done(), "{} is finished, but its record is not there", run.job.folder.string());
    take(job, *record);
  } catch (const Error& error) {  // the others go on
    complain(fmt::format("{}: {}", job.plan.name(), error.what()));
    return false;
  } catch (const std::bad_alloc&) {
    complain(fmt::format("{}: out of memory", job.plan.name()));
    return false;
  }
  report::save_comparison(folder_, comparison_);
  print_table();
  return true;
}

void CompareCommand::print_table() const {
  Table table(report::comparison_columns(comparison_),
              "l" + std::string(report::comparison_columns(comparison_).size() - 1, 'r'));
  for (const auto& row : report::comparison_rows(comparison_)) table.add(row);
  print("\n{}", table.text());
  flush();
}

int CompareCommand::run() {
  check_all();
  take_what_is_done();
  if (const size_t done = all_.size() - jobs_.size(); done > 0)
    print("{} of {} runs are done already\n", done, all_.size());
  if (!comparison_.runs.empty()) {
    report::save_comparison(folder_, comparison_);
    print_table();
  }
  interrupt_.emplace();
  size_t failed = 0;
  for (size_t i = 0; i < jobs_.size(); ++i) {
    if (!interrupt_->asked()) failed += !train(i);
    if (!interrupt_->asked()) continue;
    print("\nInterrupted: the same command goes on.\n");
    return interrupt_->exit_code();
  }
  if (!comparison_.runs.empty())
    print("\nIn {}: compare.md (this table), compare.svg (its picture), results.csv and .jsonl (all runs)\n",
          folder_.string());
  if (failed > 0) complain(fmt::format("{} of {} runs failed; the same command tries them again", failed, all_.size()));
  return failed > 0 ? 1 : 0;
}

int compare(const Arguments& arguments) {
  CompareOptions o;
  Options options("tessera compare RECIPE|MODEL… --data DATA --minutes M|--epochs E|--macs X [OPTIONS]",
                  "Trains each of several recipes or models on the same data within the same budget, with several "
                  "seeds, and tabulates accuracy against size, operations and time.");
  o.visit(options);
  if (!parse(options, arguments)) return 0;
  o.choice.complete(options);
  return CompareCommand(arguments, o).run();
}

}  // namespace

void register_compare(Registry& registry) {
  registry.add("compare", {"trains several recipes or models under one budget", compare});
}

}  // namespace tessera::cli
