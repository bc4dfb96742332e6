// The learning rate as a pure function of the update's place in the plan of the run.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tessera::train {

struct Schedule {
  // "constant": peak. "cosine": from peak to least along half a period (Loshchilov & Hutter, "SGDR", 2017).
  // "linear": from peak to least. "poly": least + (peak − least)(1 − done)^power. "step": times `factor` after every
  // `every` updates. "multi_step": times `factor` from each milestone on. "exponential": times `factor` in every
  // `every` updates, a little in each. "one_cycle": up from a low rate, then down to a far lower one (Smith & Topin,
  // "Super-convergence", 2018), with PyTorch's corners.
  std::string kind = "cosine";
  double peak = 1e-3;
  double least = 0;
  int64_t total = 1;  // updates; cosine, linear, poly and one_cycle stay at their last rate from here on

  // Warm-up: update t < warmup runs at a rate between warmup_start (update 0) and the peak (which update `warmup` would
  // have), linear in t.
  int64_t warmup = 0;
  double warmup_start = 0;
  // Whether the curve begins after the warm-up, so that t and total count from there, or runs beneath it from update 0
  // and is entered at t = warmup, already below the peak. timm's warmup_prefix.
  bool shifted = false;

  int64_t every = 1;
  std::vector<int64_t> milestones;
  double factor = 0.1;

  double power = 1;    // poly
  double k_decay = 1;  // cosine and poly: done = (t / total)^k_decay; above 1 the rate stays high for longer
  // Cosine with warm restarts: `total` is divided into so many periods, each `cycle_growth` times as long as the one
  // before, its peak `cycle_decay` times as high.
  int64_t cycles = 1;
  double cycle_growth = 1, cycle_decay = 1;

  struct OneCycle {
    double rise = 0.3;                               // share of the updates until the peak
    double start_divisor = 25, final_divisor = 1e4;  // peak / start_divisor, and that / final_divisor
    bool straight = false;                           // lines in place of half cosines
    bool three_phase = false;                        // down as fast as up, then on to the last rate
  } one_cycle;

  // The rate of update t = 0, 1, …; between two where a revised plan (plan.h) runs faster or slower than the first one.
  double at(double t) const;

 private:
  double cosine_at(double t) const;
  double one_cycle_at(double t) const;
};

}  // namespace tessera::train
