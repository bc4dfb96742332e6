#include "tessera/train/schedule.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>

#include "tessera/core/error.h"
#include "tessera/core/file.h"
#include "tests/support.h"

namespace tessera::train {
namespace {

using nlohmann::json;

// The case's schedule in our words; nothing for those that we do not have.
std::optional<Schedule> schedule_of(const json& c) {
  const std::string name = c["schedule"];
  const json& s = c["settings"];
  Schedule schedule;
  schedule.peak = c["lr"];
  schedule.warmup = s.value("warmup_t", 0);
  schedule.warmup_start = s.value("warmup_lr_init", 0.0);
  const bool timm = c["library"] == "timm";
  if (name == "CosineLRScheduler") {
    schedule.cycles = s.value("cycle_limit", 1);
    schedule.cycle_growth = s.value("cycle_mul", 1.0);
    schedule.cycle_decay = s.value("cycle_decay", 1.0);
    schedule.k_decay = s.value("k_decay", 1.0);
    double length = 0;  // of all cycles
    for (int64_t i = 0; i < schedule.cycles; ++i)
      length += s["t_initial"].get<double>() * std::pow(schedule.cycle_growth, static_cast<double>(i));
    schedule.total = std::lround(length);
    schedule.least = s.value("lr_min", 0.0);
    schedule.shifted = s.value("warmup_prefix", false);
  } else if (name == "PolyLRScheduler" || name == "PolynomialLR") {
    schedule.kind = s["power"] == 1.0 ? "linear" : "poly";
    schedule.total = s[timm ? "t_initial" : "total_iters"];
    schedule.power = s["power"];
    schedule.least = s.value("lr_min", 0.0);
    schedule.shifted = s.value("warmup_prefix", false);
  } else if (name == "ExponentialLR") {
    schedule.kind = "exponential";
    schedule.factor = s["gamma"];
  } else if (name == "OneCycleLR") {
    schedule.kind = "one_cycle";
    schedule.peak = s["max_lr"];
    schedule.total = s["total_steps"];
    schedule.one_cycle = {.rise = s["pct_start"],
                          .start_divisor = s["div_factor"],
                          .final_divisor = s["final_div_factor"],
                          .straight = s["anneal_strategy"] == "linear",
                          .three_phase = s.value("three_phase", false)};
  } else if (name == "StepLRScheduler") {
    schedule.kind = "step";
    schedule.every = s["decay_t"];
    schedule.factor = s["decay_rate"];
    schedule.shifted = true;
  } else if (name == "MultiStepLRScheduler") {
    schedule.kind = "multi_step";
    for (int64_t milestone : s["decay_t"]) schedule.milestones.push_back(milestone - 1);  // timm drops one update early
    schedule.factor = s["decay_rate"];
    schedule.shifted = true;
  } else if (name == "ConstantLR with factor 1 (constant)") {
    schedule.kind = "constant";
  } else if (name == "CosineAnnealingLR") {
    schedule.total = s["T_max"];
    schedule.least = s["eta_min"];
  } else if (name == "SequentialLR: LinearLR, then CosineAnnealingLR") {
    schedule.total = s["T_max"];
    schedule.least = s["eta_min"];
    schedule.warmup = s["warmup"];
    schedule.warmup_start = schedule.peak * s["start_factor"].get<double>();
    schedule.shifted = true;
  } else if (name == "StepLR") {
    schedule.kind = "step";
    schedule.every = s["step_size"];
    schedule.factor = s["gamma"];
  } else if (name == "MultiStepLR") {
    schedule.kind = "multi_step";
    schedule.milestones = s["milestones"].get<std::vector<int64_t>>();
    schedule.factor = s["gamma"];
  } else {
    return std::nullopt;
  }
  EXPECT_TRUE(timm || !s.contains("warmup_prefix"));
  return schedule;
}

TEST(Schedule, RatesAreThoseOfTimmAndPyTorch) {
  int covered = 0;
  const json all = json::parse(read_text(test::golden_path("train/schedules.json")));
  for (const json& c : all["cases"]) {
    const auto schedule = schedule_of(c);
    if (!schedule) continue;
    ++covered;
    const auto rates = c["lr_of_update"].get<std::vector<double>>();
    for (size_t t = 0; t < rates.size(); ++t) {
      // PyTorch's cosine climbs again past its end.
      if (c["library"] == "torch" && static_cast<int64_t>(t) > schedule->warmup + schedule->total &&
          schedule->kind == "cosine")
        break;
      EXPECT_NEAR(schedule->at(static_cast<double>(t)), rates[t], 1e-12 * schedule->peak)
          << c["library"] << " " << c["schedule"] << " " << c["settings"] << ", update " << t;
    }
  }
  EXPECT_EQ(covered, 26);
}

TEST(Schedule, UnknownKindIsAnError) {
  Schedule schedule;
  schedule.kind = "cosinus";
  EXPECT_THROW(schedule.at(0), Error);
}

}  // namespace
}  // namespace tessera::train
