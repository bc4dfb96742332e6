// Charts of lines and points as SVG. Colours are CSS variables with fallbacks, so that a page may set light and dark
// ones and a chart also stands alone: --ink, --faint, --grid, --card, --series-1 … --series-8.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tessera/report/axis.h"

namespace tessera::report {

// A curve of any number of points, kept at no more than `limit` by averaging neighbours.
class Curve {
 public:
  struct Point {
    double x = 0;
    double y = 0;
  };

  explicit Curve(size_t limit = 1000) : limit_(limit) {}
  // Points that are not finite are left out.
  void add(double x, double y);
  // The last point may stand for fewer values than the others.
  std::vector<Point> points() const;

 private:
  size_t limit_;
  int64_t stride_ = 1;  // values in a point
  std::vector<Point> points_;
  Point sum_;
  int64_t count_ = 0;  // values in sum_
};

struct Series {
  std::string name;
  std::vector<Curve::Point> points = {};
  bool marked = false;                   // a dot with its value at each point
  bool joined = true;                    // a line through the points
  std::vector<double> spreads = {};      // ± y of each point, drawn as a bar; NaN: none
  std::vector<std::string> labels = {};  // a text beside each point
};

struct Chart {
  std::string title;
  std::string x_label;
  bool percent = false;    // y is a fraction
  bool from_zero = false;  // the y axis begins at 0
  std::vector<Series> series = {};
  Scale x_scale = Scale::linear, y_scale = Scale::linear;  // logarithmic: values above 0 only
  bool legend = true;                                      // names of the series, where there are several
  double height = 260;                                     // at least; a legend of several lines adds to it
};

// 480 units wide, scales with its container. No points: a chart that says so.
std::string chart_svg(const Chart& chart);

// Several charts, `columns` in a row, as one file that stands alone.
std::string figure_svg(const std::vector<Chart>& charts, int columns);

// For text and attributes of HTML and SVG. Control characters, which XML cannot hold, become spaces.
std::string escape_markup(std::string_view text);

}  // namespace tessera::report
