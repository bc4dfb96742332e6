#include "tessera/report/plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "tessera/report/label_places.h"

namespace tessera::report {
namespace {

constexpr double kWidth = 480, kLeft = 52, kRight = 14, kTop = 46, kBottom = 36, kLegendLine = 15;
constexpr const char* kColors[] = {"var(--series-1,#2563eb)", "var(--series-2,#d9622b)", "var(--series-3,#16845b)",
                                   "var(--series-4,#7c4dcc)", "var(--series-5,#b3286e)", "var(--series-6,#0e7490)",
                                   "var(--series-7,#8a6d00)", "var(--series-8,#64748b)"};
constexpr const char* kFaint = "font-size=\"11\" fill=\"var(--faint,#6b7280)\"";

const char* color_of(size_t series) { return kColors[series % std::size(kColors)]; }

// The axis of the points' x or, with their spreads, y.
Axis axis_of(const Chart& chart, Scale scale, bool vertical) {
  double low = std::numeric_limits<double>::infinity(), high = -low;
  bool loose = false;  // points without a line need room around them
  for (const Series& series : chart.series) {
    loose |= !series.joined;
    for (size_t i = 0; i < series.points.size(); ++i) {
      const double value = vertical ? series.points[i].y : series.points[i].x;
      const bool spread = vertical && i < series.spreads.size() && std::isfinite(series.spreads[i]);
      const double around = spread ? series.spreads[i] : 0;
      low = std::min(low, value - around);
      high = std::max(high, value + around);
    }
  }
  if (low > high) return {0, 1, 0, 1};
  if (vertical && chart.from_zero) low = std::min(0.0, low);
  return axis_over(low, high, scale, loose);
}

std::string text(double x, double y, const std::string& style, std::string_view content) {
  return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" {}>{}</text>\n", x, y, style, escape_markup(content));
}

std::string line(double x1, double y1, double x2, double y2, const char* style) {
  return fmt::format("<path d=\"M{:.1f} {:.1f}L{:.1f} {:.1f}\" {}/>\n", x1, y1, x2, y2, style);
}

std::string axes(const Chart& chart, const Axis& x, const Axis& y, const std::vector<double>& y_ticks, double height) {
  std::string out;
  for (const double value : y_ticks) {
    out += line(kLeft, y(value), kWidth - kRight, y(value), "stroke=\"var(--grid,#e5e7eb)\"");
    out += text(kLeft - 6, y(value) + 4, fmt::format("{} text-anchor=\"end\"", kFaint),
                tick_label(value, chart.percent, y));
  }
  for (const double value : ticks_within(x, 5)) {
    out += text(x(value), height - kBottom + 16, fmt::format("{} text-anchor=\"middle\"", kFaint),
                tick_label(value, false, x));
  }
  return out + text(kWidth - kRight, height - 6, fmt::format("{} text-anchor=\"end\"", kFaint), chart.x_label);
}

std::string spread(const Series& series, size_t i, const Axis& x, const Axis& y, const char* color) {
  if (i >= series.spreads.size() || !std::isfinite(series.spreads[i])) return "";
  const auto [at, mean] = series.points[i];
  const double low = y(std::max(mean - series.spreads[i], y.low)), high = y(std::min(mean + series.spreads[i], y.high));
  const double middle = x(at);
  return fmt::format(
      "<path d=\"M{0:.1f} {3:.1f}V{4:.1f}M{1:.1f} {3:.1f}H{2:.1f}M{1:.1f} {4:.1f}H{2:.1f}\" "
      "stroke=\"{5}\" stroke-width=\"1.2\"/>\n",
      middle, middle - 3, middle + 3, low, high, color);
}

std::string curve(const Series& series, const Axis& x, const Axis& y, size_t index, bool percent) {
  const char* color = color_of(index);
  const char* dashes = index < std::size(kColors) ? "" : " stroke-dasharray=\"5 3\"";
  std::string out, path;
  for (const Curve::Point& point : series.points)
    path += fmt::format("{}{:.1f} {:.1f}", path.empty() ? "M" : "L", x(point.x), y(point.y));
  if (series.joined)
    out = fmt::format("<path d=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"1.6\" stroke-linejoin=\"round\"{}/>\n",
                      path, color, dashes);
  for (size_t i = 0; i < series.points.size() && series.marked; ++i) {
    const Curve::Point& point = series.points[i];
    out += spread(series, i, x, y, color);
    out += fmt::format(
        "<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"{}\" fill=\"{}\"><title>{}</title></circle>\n", x(point.x), y(point.y),
        series.points.size() > 60 ? 1.5 : 3, color,
        escape_markup(fmt::format("{}, {}: {}", series.name, tick_label(point.x, false, {0, 0, 0, 0, x.scale}),
                                  tick_label(point.y, percent, {0, 0, 0, 0, y.scale}))));
  }
  return out;
}

// The texts beside points, once all points are known.
std::string labels(const Chart& chart, const Axis& x, const Axis& y) {
  std::vector<LabelledPoint> points;
  std::vector<size_t> owners;
  for (size_t s = 0; s < chart.series.size(); ++s) {
    const Series& series = chart.series[s];
    for (size_t i = 0; i < series.points.size() && i < series.labels.size(); ++i) {
      points.push_back({x(series.points[i].x), y(series.points[i].y), series.labels[i]});
      owners.push_back(s);
    }
  }
  const std::vector<LabelPlace> places = label_places(points, kLeft, kWidth - kRight);
  std::string out;
  for (size_t i = 0; i < points.size(); ++i)
    out += text(places[i].x, places[i].y, fmt::format("font-size=\"11\" fill=\"{}\"", color_of(owners[i])),
                points[i].label);
  return out;
}

struct Legend {
  std::string svg;
  int lines = 1;
};

Legend legend_of(const Chart& chart) {
  Legend legend;
  if (chart.series.size() == 1 || !chart.legend) return legend;
  double at = kLeft;
  for (size_t i = 0; i < chart.series.size(); ++i) {
    const Series& series = chart.series[i];
    if (series.points.empty()) continue;
    const double width = 30 + label_width(series.name);
    if (at > kLeft && at + width > kWidth) {
      at = kLeft;
      ++legend.lines;
    }
    const double y = 28 + kLegendLine * (legend.lines - 1);
    legend.svg +=
        fmt::format("<rect x=\"{:.1f}\" y=\"{}\" width=\"10\" height=\"3\" fill=\"{}\"/>\n", at, y, color_of(i));
    legend.svg += text(at + 14, y + 5, kFaint, series.name);
    at += width;
  }
  return legend;
}

struct Drawing {
  std::string svg;  // without the element around it
  double height;
};

Drawing draw(const Chart& chart) {
  const Legend legend = legend_of(chart);
  const double more = kLegendLine * (legend.lines - 1), height = chart.height + more;
  Axis x = axis_of(chart, chart.x_scale, false), y = axis_of(chart, chart.y_scale, true);
  x.from = kLeft;
  x.to = kWidth - kRight;
  std::vector<double> y_ticks;
  if (y.scale == Scale::linear) {
    y_ticks = ticks(y.low, y.high, 4);
    y.low = y_ticks.front();
    y.high = y_ticks.back();
  } else {
    y_ticks = ticks_within(y, 5);
  }
  y.from = height - kBottom;
  y.to = kTop + more;
  std::string out = text(kLeft, 18, "font-size=\"14\" font-weight=\"600\" fill=\"var(--ink,#111827)\"", chart.title);
  out += axes(chart, x, y, y_ticks, height) + legend.svg;
  bool empty = true;
  for (size_t i = 0; i < chart.series.size(); ++i) {
    if (chart.series[i].points.empty()) continue;
    empty = false;
    out += curve(chart.series[i], x, y, i, chart.percent);
  }
  out += labels(chart, x, y);
  if (empty)
    out += text(kWidth / 2, height / 2, "font-size=\"12\" text-anchor=\"middle\" fill=\"var(--faint,#6b7280)\"",
                "nothing yet");
  return {std::move(out), height};
}

constexpr const char* kOpening =
    "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{}\" "
    "font-family=\"system-ui,sans-serif\">\n";

}  // namespace

void Curve::add(double x, double y) {
  if (!std::isfinite(x) || !std::isfinite(y)) return;
  sum_.x += x;
  sum_.y += y;
  if (++count_ < stride_) return;
  points_.push_back({sum_.x / static_cast<double>(count_), sum_.y / static_cast<double>(count_)});
  sum_ = {};
  count_ = 0;
  if (points_.size() < limit_) return;
  for (size_t i = 0; i + 1 < points_.size(); i += 2) {
    points_[i / 2] = {(points_[i].x + points_[i + 1].x) / 2, (points_[i].y + points_[i + 1].y) / 2};
  }
  if (points_.size() % 2) {  // the odd one out waits for its other half
    sum_ = {points_.back().x * static_cast<double>(stride_), points_.back().y * static_cast<double>(stride_)};
    count_ = stride_;
  }
  points_.resize(points_.size() / 2);
  stride_ *= 2;
}

std::vector<Curve::Point> Curve::points() const {
  std::vector<Point> all = points_;
  const auto count = static_cast<double>(count_);
  if (count_ > 0) all.push_back({sum_.x / count, sum_.y / count});
  return all;
}

std::string chart_svg(const Chart& chart) {
  const Drawing drawing = draw(chart);
  return fmt::format(fmt::runtime(kOpening), kWidth, drawing.height, escape_markup(chart.title)) + drawing.svg +
         "</svg>\n";
}

std::string figure_svg(const std::vector<Chart>& charts, int columns) {
  std::string out, titles;
  double x = 0, y = 0, height = 0;
  int column = 0;
  for (const Chart& chart : charts) {
    if (column == columns) {
      column = 0;
      y += height;
      height = 0;
    }
    const Drawing drawing = draw(chart);
    x = kWidth * column++;
    out += fmt::format("<g transform=\"translate({},{})\">\n{}</g>\n", x, y, drawing.svg);
    height = std::max(height, drawing.height);
    titles += (titles.empty() ? "" : "; ") + chart.title;
  }
  const double width = kWidth * std::min<double>(columns, static_cast<double>(charts.size()));
  return fmt::format(fmt::runtime(kOpening), width, y + height, escape_markup(titles)) +
         fmt::format("<rect width=\"{}\" height=\"{}\" fill=\"var(--card,#ffffff)\"/>\n", width, y + height) + out +
         "</svg>\n";
}

std::string escape_markup(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += static_cast<unsigned char>(c) < 0x20 && c != '\n' ? ' ' : c;
    }
  }
  return out;
}

}  // namespace tessera::report
