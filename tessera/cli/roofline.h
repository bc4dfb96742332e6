// Where the time of a step goes, and what this machine allows: Williams, Waterman and Patterson, "Roofline" (2009).
#pragma once

#include <functional>
#include <vector>

#include "tessera/kernels/profile.h"

namespace tessera::cli {

struct Roofline {
  struct Row {
    kernels::Work work;
    double calls = 0;  // per step
    double ms = 0;     // of all calls of a step
    double limit = 0;  // ms: a product alone, its operands packed and at hand; others at the best product's rate or at
                       // the bandwidth of memory, whichever takes longer
  };
  std::vector<Row> rows;    // the longest first
  double step = 0;          // ms, the median
  double best_product = 0;  // operations per second of the fastest product, alone: of the step's, or of 1024^3 in f32
  double bandwidth = 0;     // bytes per second, copying more than the caches hold
  double operations = 0;    // of a step
};

// Runs the step for so many seconds, then its products alone.
Roofline roofline(const std::function<void()>& step, double seconds);

void print_roofline(const Roofline& roofline, bool json);

}  // namespace tessera::cli
