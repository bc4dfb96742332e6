#include "tessera/train/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "tessera/core/error.h"

namespace tessera::train {

namespace {

// From a to b while `done` goes from 0 to 1, along half a cosine.
double eased(double a, double b, double done) { return b + (a - b) * 0.5 * (1 + std::cos(std::numbers::pi * done)); }

}  // namespace

double Schedule::cosine_at(double t) const {
  double length = 0, scale = 1;  // of all cycles in the first one's lengths, of one cycle
  for (int64_t i = 0; i < cycles; ++i, scale *= cycle_growth) length += scale;
  length = static_cast<double>(total) / length;  // of the first cycle
  double top = peak;
  for (int64_t i = 0; i < cycles; ++i) {
    if (t < length) return eased(top, least, std::pow(t / length, k_decay));
    t -= length;
    length *= cycle_growth;
    top *= cycle_decay;
  }
  return least;
}

double Schedule::one_cycle_at(double t) const {
  struct Corner {
    double t, rate;
  };
  const double start = peak / one_cycle.start_divisor, last = start / one_cycle.final_divisor;
  const double end = static_cast<double>(total) - 1, top = one_cycle.rise * static_cast<double>(total) - 1;
  std::vector<Corner> corners = {{0, start}, {top, peak}};
  if (one_cycle.three_phase) corners.push_back({2 * top, start});
  corners.push_back({end, last});
  for (size_t i = 1; i < corners.size(); ++i) {
    const auto [from, a] = corners[i - 1];
    const auto [to, b] = corners[i];
    if (t > to) continue;
    const double done = to > from ? (t - from) / (to - from) : 1;
    return one_cycle.straight ? a + (b - a) * done : eased(a, b, done);
  }
  return last;
}

double Schedule::at(double t) const {
  const auto warm = static_cast<double>(warmup);
  if (t < warm) return warmup_start + (peak - warmup_start) * t / warm;
  if (shifted) t -= warm;
  if (kind == "constant") return peak;
  if (kind == "step") return peak * std::pow(factor, std::floor(t / static_cast<double>(every)));
  if (kind == "multi_step") {
    const auto passed =
        std::count_if(milestones.begin(), milestones.end(), [&](int64_t m) { return t >= static_cast<double>(m); });
    return peak * std::pow(factor, static_cast<double>(passed));
  }
  if (kind == "exponential") return peak * std::pow(factor, t / static_cast<double>(every));
  if (kind == "one_cycle") return one_cycle_at(t);
  if (kind == "cosine") return cosine_at(t);
  const double done = std::min(1.0, t / static_cast<double>(total));
  if (kind == "linear") return least + (peak - least) * (1 - done);
  TESSERA_CHECK(kind == "poly",
                "unknown schedule '{}': cosine, linear, poly, step, multi_step, exponential, one_cycle or constant",
                kind);
  return least + (peak - least) * std::pow(1 - std::pow(done, k_decay), power);
}

}  // namespace tessera::train
