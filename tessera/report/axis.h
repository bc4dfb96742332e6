// An axis of a chart: values to places, and the values that are written at it.
#pragma once

#include <string>
#include <vector>

namespace tessera::report {

enum class Scale { linear, logarithmic };

// Maps [low, high] to [from, to]. On a logarithmic axis both ends are above 0.
struct Axis {
  double low, high, from, to;
  Scale scale = Scale::linear;

  double operator()(double value) const;
};

// The ends of an axis for values in [low, high], widened where that is a point; with `loose` a little more on both
// sides. Of a logarithmic axis only values above 0 count: low must be one.
Axis axis_over(double low, double high, Scale scale, bool loose = false);

// Round numbers 1, 2, 5 × 10^n that cover [low, high], about `count` of them.
std::vector<double> ticks(double low, double high, int count);

// Values to write within an axis, about `count`: as above, on a logarithmic one 1, 2, 5 × 10^n or powers of ten.
std::vector<double> ticks_within(const Axis& axis, int count);

// "12.5 %", "1.2 G" on a logarithmic axis. All labels of a linear one have the unit of its largest value: "40 M", "0.5
// M".
std::string tick_label(double value, bool percent, const Axis& axis);

}  // namespace tessera::report
