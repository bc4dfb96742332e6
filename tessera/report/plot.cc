#include "tessera/report/plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace tessera::report {
namespace {

constexpr double kWidth = 480, kHeight = 260, kLeft = 52, kRight = 14, kTop = 46, kBottom = 36;
constexpr const char* kColors[] = {"var(--series-1,#2563eb)", "var(--series-2,#d9622b)", "var(--series-3,#16845b)",
                                   "var(--series-4,#7c4dcc)"};

// Maps [low, high] to [from, to].
struct Axis {
  double low, high, from, to;
  double operator()(double value) const { return from + (value - low) / (high - low) * (to - from); }
};

// The range of the points on one axis, widened where it is a point.
template <class Get>
std::pair<double, double> range(const Chart& chart, const Get& get) {
  double low = std::numeric_limits<double>::infinity(), high = -low;
  for (const Series& series : chart.series) {
    for (const Curve::Point& point : series.points) {
      low = std::min(low, get(point));
      high = std::max(high, get(point));
    }
  }
  if (low > high) return {0, 1};
  const double least = std::max(std::abs(high) * 1e-6, 1e-12);
  return high - low >= least ? std::pair(low, high) : std::pair(low - least, high + least);
}

// largest: of the axis, so that all its labels have one unit.
std::string label(double value, bool percent, double largest) {
  if (percent) return fmt::format("{:.4g} %", 100 * value);
  if (std::abs(value) < 1e-12) return "0";
  if (largest >= 1e6) return fmt::format("{:.4g} M", value / 1e6);
  if (largest >= 1e5) return fmt::format("{:.4g} k", value / 1e3);
  return fmt::format("{:.5g}", value);
}

std::string text(double x, double y, const char* style, std::string_view content) {
  return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" {}>{}</text>\n", x, y, style, escape_markup(content));
}

std::string axes(const Chart& chart, const Axis& x, const Axis& y, const std::vector<double>& y_ticks) {
  constexpr const char* kFaint = "font-size=\"11\" fill=\"var(--faint,#6b7280)\"";
  std::string out;
  for (const double value : y_ticks) {
    out += fmt::format("<path d=\"M{:.1f} {:.1f}H{:.1f}\" stroke=\"var(--grid,#e5e7eb)\"/>\n", kLeft, y(value),
                       kWidth - kRight);
    out += text(kLeft - 6, y(value) + 4, fmt::format("{} text-anchor=\"end\"", kFaint).c_str(),
                label(value, chart.percent, y.high));
  }
  for (const double value : ticks(x.low, x.high, 5)) {
    if (value < x.low || value > x.high) continue;
    out += text(x(value), kHeight - kBottom + 16, fmt::format("{} text-anchor=\"middle\"", kFaint).c_str(),
                label(value, false, x.high));
  }
  return out + text(kWidth - kRight, kHeight - 6, fmt::format("{} text-anchor=\"end\"", kFaint).c_str(), chart.x_label);
}

std::string curve(const Series& series, const Axis& x, const Axis& y, const char* color, bool percent) {
  std::string out, path;
  for (const Curve::Point& point : series.points) {
    path += fmt::format("{}{:.1f} {:.1f}", path.empty() ? "M" : "L", x(point.x), y(point.y));
  }
  out = fmt::format("<path d=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"1.6\" stroke-linejoin=\"round\"/>\n",
                    path, color);
  if (!series.marked) return out;
  for (const Curve::Point& point : series.points) {
    out += fmt::format(
        "<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"{}\" fill=\"{}\"><title>{}</title></circle>\n", x(point.x), y(point.y),
        series.points.size() > 60 ? 1.5 : 3, color,
        escape_markup(fmt::format("{}, {}: {}", series.name, label(point.x, false, 0), label(point.y, percent, 0))));
  }
  return out;
}

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

std::vector<double> ticks(double low, double high, int count) {
  const double rough = (high - low) / count, power = std::pow(10, std::floor(std::log10(rough)));
  const double step = power * (rough / power < 1.5 ? 1 : rough / power < 3.5 ? 2 : rough / power < 7.5 ? 5 : 10);
  std::vector<double> all;
  const double first = std::floor(low / step + 1e-9), last = std::ceil(high / step - 1e-9);
  for (double i = first; i <= last; ++i) all.push_back(i * step);
  return all;
}

std::string chart_svg(const Chart& chart) {
  const auto [x_low, x_high] = range(chart, [](const Curve::Point& p) { return p.x; });
  auto [y_low, y_high] = range(chart, [](const Curve::Point& p) { return p.y; });
  if (chart.from_zero) y_low = std::min(0.0, y_low);
  const std::vector<double> y_ticks = ticks(y_low, y_high, 4);
  const Axis x{x_low, x_high, kLeft, kWidth - kRight};
  const Axis y{y_ticks.front(), y_ticks.back(), kHeight - kBottom, kTop};

  std::string out = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{}\" "
      "font-family=\"system-ui,sans-serif\">\n",
      kWidth, kHeight, escape_markup(chart.title));
  out += text(kLeft, 18, "font-size=\"14\" font-weight=\"600\" fill=\"var(--ink,#111827)\"", chart.title);
  out += axes(chart, x, y, y_ticks);
  bool empty = true;
  double legend = kLeft;
  for (size_t i = 0; i < chart.series.size(); ++i) {
    const Series& series = chart.series[i];
    const char* color = kColors[i % std::size(kColors)];
    if (series.points.empty()) continue;
    empty = false;
    out += curve(series, x, y, color, chart.percent);
    if (chart.series.size() == 1) continue;
    out += fmt::format("<rect x=\"{:.1f}\" y=\"28\" width=\"10\" height=\"3\" fill=\"{}\"/>\n", legend, color);
    out += text(legend + 14, 33, "font-size=\"11\" fill=\"var(--faint,#6b7280)\"", series.name);
    legend += 30 + 6.2 * static_cast<double>(series.name.size());
  }
  if (empty) {
    out += text(kWidth / 2, kHeight / 2, "font-size=\"12\" text-anchor=\"middle\" fill=\"var(--faint,#6b7280)\"",
                "nothing yet");
  }
  return out + "</svg>\n";
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
