// What a run tells those who watch it. The trainer calls every function from the thread that called it, in the order of
// events; at one step: on_step, then on_eval, then on_checkpoint. Accuracies are fractions in [0, 1], times are
// seconds.
#pragma once

#include <cstdint>
#include <filesystem>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tessera::train {

inline constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

struct RunInfo {
  std::filesystem::path folder;          // where the run keeps its files
  std::string model;                     // the registered name, or the architecture file
  int64_t parameters = 0;                // scalars
  int64_t macs = 0;                      // multiply-accumulates of one picture's forward pass
  std::string data;                      // the data set in one line
  std::vector<std::string> class_names;  // K
  int64_t training_pictures = 0;         // in an epoch
  int64_t batch = 0;                     // pictures in a step, accumulation included
  int64_t steps_per_epoch = 0;
  int64_t total_steps = 0;     // planned; 0 while a budget has not decided yet. A revised plan comes with StepInfo
  int64_t resumed_step = 0;    // steps that the checkpoint had done; 0: a new run. Logs are cut back to it
  double seconds_trained = 0;  // that the checkpoint had taken
  std::string options_json;    // the effective options (Options::to_json)
};

struct StepInfo {
  int64_t step = 0;   // steps done, this one included: the first is 1
  int64_t epoch = 0;  // of this step, from 0
  int64_t total_steps = 0;
  double loss = kUnknown;  // mean over the pictures of the step
  double learning_rate = kUnknown;
  double gradient_norm = kUnknown;             // before clipping
  double images_per_second = kUnknown;         // recent pace, evaluation not counted
  double loader_images_per_second = kUnknown;  // what the loader could deliver
  double seconds_trained = 0;                  // since the start, over all resumes; time while stopped does not count
  double seconds_left = kUnknown;
};

struct EvalInfo {
  int64_t step = 0;
  int64_t epoch = 0;
  std::string split;  // "val", "test"
  bool ema = false;   // of the averaged weights
  double top1 = kUnknown;
  double top5 = kUnknown;
  double loss = kUnknown;
  double seconds = 0;                  // that the evaluation took
  std::span<const int64_t> confusion;  // (K, K) counts [true][predicted], or empty; valid during the call
};

enum class Level { info, warning, error };
enum class Ending { finished, stopped_early, interrupted, failed };

struct RunSummary {
  Ending ending = Ending::finished;
  std::string message;  // why it ended, or the command that resumes; may be empty
  int64_t step = 0;
  int64_t epoch = 0;
  double seconds_trained = 0;
  std::filesystem::path model_file;  // the weights to use, empty where none were saved
};

class Observer {
 public:
  virtual ~Observer() = default;
  virtual void on_start(const RunInfo&) {}
  virtual void on_step(const StepInfo&) {}
  virtual void on_eval(const EvalInfo&) {}
  virtual void on_checkpoint(int64_t /*step*/, const std::filesystem::path&, bool /*best*/) {}
  // A choice that the run made itself and that a replay needs, such as ("total_steps", "11730").
  virtual void on_decision(int64_t /*step*/, std::string_view /*name*/, std::string_view /*value*/) {}
  virtual void on_message(Level, std::string_view) {}
  virtual void on_finish(const RunSummary&) {}  // without on_start where the run was finished already
};

// Tells many. An observer that throws (a full disk, say) hears nothing more, the others get its error as one warning,
// and training goes on: watching never stops a run. The observers must outlive this.
class Observers final : public Observer {
 public:
  Observers() = default;
  explicit Observers(std::vector<Observer*> observers) : observers_(std::move(observers)) {}
  void add(Observer& observer) { observers_.push_back(&observer); }

  void on_start(const RunInfo&) override;
  void on_step(const StepInfo&) override;
  void on_eval(const EvalInfo&) override;
  void on_checkpoint(int64_t step, const std::filesystem::path&, bool best) override;
  void on_decision(int64_t step, std::string_view name, std::string_view value) override;
  void on_message(Level, std::string_view) override;
  void on_finish(const RunSummary&) override;

 private:
  template <class Call>
  void tell(const Call& call);

  std::vector<Observer*> observers_;
};

}  // namespace tessera::train
