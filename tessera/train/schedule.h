// The learning rate as a pure function of the update's place in the plan of the run.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tessera::train {

struct Schedule {
  // "constant": peak. "cosine": from peak to least along half a period (Loshchilov & Hutter, "SGDR", 2017).
  // "linear": from peak to least. "step": times `factor` after every `every` updates. "multi_step": times `factor` from
  // each milestone on.
  std::string kind = "cosine";
  double peak = 1e-3;
  double least = 0;
  int64_t total = 1;  // updates; cosine and linear stay at `least` from here on

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

  // The rate of update t = 0, 1, …; between two where a revised plan (plan.h) runs faster or slower than the first one.
  double at(double t) const;
};

}  // namespace tessera::train
