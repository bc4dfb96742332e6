#include "tessera/cli/compare_time.h"

namespace tessera::cli {

void CompareTime::done(const TimedRun& run, double seconds) {
  Taken& taken = kinds_[run.kind];
  taken.seconds += seconds;
  ++taken.runs;
  seconds_ += seconds;
  macs_ += run.macs;
}

double CompareTime::expected(const TimedRun& run) const {
  if (budget_ > 0) return budget_;
  if (const auto found = kinds_.find(run.kind); found != kinds_.end())
    return found->second.seconds / static_cast<double>(found->second.runs);
  return macs_ > 0 && run.macs > 0 ? run.macs * seconds_ / macs_ : train::kUnknown;
}

}  // namespace tessera::cli
