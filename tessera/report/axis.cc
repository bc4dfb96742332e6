#include "tessera/report/axis.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace tessera::report {

double Axis::operator()(double value) const {
  if (scale == Scale::linear) return from + (value - low) / (high - low) * (to - from);
  return from + std::log(value / low) / std::log(high / low) * (to - from);
}

Axis axis_over(double low, double high, Scale scale, bool loose) {
  if (scale == Scale::logarithmic) {
    const double margin = loose || high / low < 1 + 1e-6 ? 1.25 : 1;
    return {low / margin, high * margin, 0, 1, scale};
  }
  const double least = std::max(std::abs(high) * 1e-6, 1e-12);
  const double margin = high - low < least ? least : loose ? 0.06 * (high - low) : 0;
  return {low - margin, high + margin, 0, 1, scale};
}

std::vector<double> ticks(double low, double high, int count) {
  const double rough = (high - low) / count, power = std::pow(10, std::floor(std::log10(rough)));
  const double step = power * (rough / power < 1.5 ? 1 : rough / power < 3.5 ? 2 : rough / power < 7.5 ? 5 : 10);
  std::vector<double> all;
  const double first = std::floor(low / step + 1e-9), last = std::ceil(high / step - 1e-9);
  for (double i = first; i <= last; ++i) all.push_back(i * step);
  return all;
}

std::vector<double> ticks_within(const Axis& axis, int count) {
  const auto within = [&](double value) { return value >= axis.low * (1 - 1e-9) && value <= axis.high * (1 + 1e-9); };
  std::vector<double> all;
  if (axis.scale == Scale::logarithmic) {
    const double first = std::floor(std::log10(axis.low)), last = std::ceil(std::log10(axis.high));
    for (const auto& digits : {std::vector<double>{1, 2, 5}, {1}}) {
      if (!all.empty() && std::ssize(all) <= 2 * count) break;
      all.clear();
      for (double power = first; power <= last; ++power)
        for (const double digit : digits)
          if (const double value = digit * std::pow(10, power); within(value)) all.push_back(value);
    }
    if (all.size() >= 2) return all;
  }
  all = ticks(axis.low, axis.high, count);
  std::erase_if(all, [&](double value) { return value < axis.low || value > axis.high; });
  return all;
}

std::string tick_label(double value, bool percent, const Axis& axis) {
  if (percent) return fmt::format("{:.4g} %", 100 * value);
  if (std::abs(value) < 1e-12) return "0";
  if (axis.scale == Scale::logarithmic) {
    for (const auto& [unit, name] :
         {std::pair{1e12, " T"}, std::pair{1e9, " G"}, std::pair{1e6, " M"}, std::pair{1e3, " k"}})
      if (value >= unit) return fmt::format("{:.3g}{}", value / unit, name);
    return fmt::format("{:.3g}", value);
  }
  if (axis.high >= 1e6) return fmt::format("{:.4g} M", value / 1e6);
  if (axis.high >= 1e5) return fmt::format("{:.4g} k", value / 1e3);
  return fmt::format("{:.5g}", value);
}

}  // namespace tessera::report
