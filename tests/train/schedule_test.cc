#include "tessera/train/schedule.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <optional>

#include "tessera/core/error.h"
#include "tessera/core/file.h"
#include "tests/support.h"

namespace tessera::train {
namespace {

using nlohmann::json;

// The case's schedule in our words; nothing for those that we do not have (cycles, k-decay, other powers, OneCycle).
std::optional<Schedule> schedule_of(const json& c) {
  const std::string name = c["schedule"];
  const json& s = c["settings"];
  Schedule schedule;
  schedule.peak = c["lr"];
  schedule.warmup = s.value("warmup_t", 0);
  schedule.warmup_start = s.value("warmup_lr_init", 0.0);
  const bool timm = c["library"] == "timm";
  if (name == "CosineLRScheduler" && !s.contains("cycle_limit") && !s.contains("k_decay")) {
    schedule.total = s["t_initial"];
    schedule.least = s.value("lr_min", 0.0);
    schedule.shifted = s.value("warmup_prefix", false);
  } else if (name == "PolyLRScheduler" && s["power"] == 1.0) {
    schedule.kind = "linear";
    schedule.total = s["t_initial"];
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
  EXPECT_EQ(covered, 16);
}

TEST(Schedule, UnknownKindIsAnError) {
  Schedule schedule;
  schedule.kind = "cosinus";
  EXPECT_THROW(schedule.at(0), Error);
}

}  // namespace
}  // namespace tessera::train
