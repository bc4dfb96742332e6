// How long the runs that are left of a comparison will take.
#pragma once

#include <map>
#include <string>

#include "tessera/train/observer.h"

namespace tessera::cli {

// A run to come. macs: of all its training, 0 where they are not known.
struct TimedRun {
  std::string kind;  // runs of one kind take the same time
  double macs = 0;
};

class CompareTime {
 public:
  // budget: seconds of each run where they are given; 0: to be found out.
  explicit CompareTime(double budget) : budget_(budget) {}

  void done(const TimedRun& run, double seconds);
  // Seconds: the budget; or as long as those of its kind took; or by its operations, at the pace of the others. Unknown
  // before any run was.
  double expected(const TimedRun& run) const;

 private:
  struct Taken {
    double seconds = 0;
    int64_t runs = 0;
  };
  double budget_;
  std::map<std::string, Taken> kinds_;
  double seconds_ = 0, macs_ = 0;  // of all runs that are done
};

}  // namespace tessera::cli
