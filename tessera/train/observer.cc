#include "tessera/train/observer.h"

#include <exception>
#include <utility>

namespace tessera::train {

// Each failure takes one observer out, so the recursion through on_message ends.
template <class Call>
void Observers::tell(const Call& call) {
  std::vector<std::string> failures;
  std::vector<Observer*> well;
  for (Observer* observer : std::exchange(observers_, {})) {
    try {
      call(*observer);
      well.push_back(observer);
    } catch (const std::exception& e) {
      failures.emplace_back(e.what());
    }
  }
  observers_ = std::move(well);
  for (const std::string& failure : failures)
    on_message(Level::warning, failure + "; this log ends here, the run goes on");
}

void Observers::on_start(const RunInfo& info) {
  tell([&](Observer& o) { o.on_start(info); });
}

void Observers::on_step(const StepInfo& info) {
  tell([&](Observer& o) { o.on_step(info); });
}

void Observers::on_eval(const EvalInfo& info) {
  tell([&](Observer& o) { o.on_eval(info); });
}

void Observers::on_checkpoint(int64_t step, const std::filesystem::path& path, bool best) {
  tell([&](Observer& o) { o.on_checkpoint(step, path, best); });
}

void Observers::on_decision(int64_t step, std::string_view name, std::string_view value) {
  tell([&](Observer& o) { o.on_decision(step, name, value); });
}

void Observers::on_message(Level level, std::string_view text) {
  tell([&](Observer& o) { o.on_message(level, text); });
}

void Observers::on_finish(const RunSummary& summary) {
  tell([&](Observer& o) { o.on_finish(summary); });
}

}  // namespace tessera::train
