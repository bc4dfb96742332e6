// Where texts beside the points of a chart stand, so that they cover neither each other nor the points.
#pragma once

#include <string>
#include <vector>

namespace tessera::report {

struct LabelledPoint {
  double x = 0, y = 0;
  std::string label;  // empty: only to be kept clear of
};

// Where a text of the label's width begins, and its base line.
struct LabelPlace {
  double x = 0, y = 0;
};

// For each point, in units of the chart: right of it where there is room, else left, above, below, or farther away.
// Within [left, right].
std::vector<LabelPlace> label_places(const std::vector<LabelledPoint>& points, double left, double right);

// About the width of a text of 11 units.
double label_width(const std::string& text);

}  // namespace tessera::report
