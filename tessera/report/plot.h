// Line charts as SVG. Colours are CSS variables with fallbacks, so that a page may set light and dark ones and a chart
// also stands alone: --ink, --faint, --grid, --series-1 … --series-4.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

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
  std::vector<Curve::Point> points;
  bool marked = false;  // a dot with its value at each point
};

struct Chart {
  std::string title;
  std::string x_label;
  bool percent = false;    // y is a fraction
  bool from_zero = false;  // the y axis begins at 0
  std::vector<Series> series;
};

// 480 × 260 units, scales with its container. No points: a chart that says so.
std::string chart_svg(const Chart& chart);

// Round numbers 1, 2, 5 × 10^n that cover [low, high], about `count` of them.
std::vector<double> ticks(double low, double high, int count);

// For text and attributes of HTML and SVG. Control characters, which XML cannot hold, become spaces.
std::string escape_markup(std::string_view text);

}  // namespace tessera::report
