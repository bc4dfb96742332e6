#include "tessera/train/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "tessera/core/error.h"

namespace tessera::train {

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
  const double done = std::min(1.0, t / static_cast<double>(total));
  if (kind == "linear") return least + (peak - least) * (1 - done);
  TESSERA_CHECK(kind == "cosine", "unknown schedule '{}': cosine, linear, step, multi_step or constant", kind);
  return least + (peak - least) * 0.5 * (1 + std::cos(std::numbers::pi * done));
}

}  // namespace tessera::train
