// The picture of a comparison.
#include <algorithm>
#include <set>

#include "tessera/report/comparison.h"
#include "tessera/report/plot.h"

namespace tessera::report {
namespace {

constexpr double kHeight = 320, kHeightOfLabel = 26;  // at least, and for each of many names

// A point for each way to train, with its name.
Chart scatter(const std::vector<Standing>& standings, const std::string& title, const std::string& x_label,
              double (*x)(const Standing&)) {
  Chart chart{.title = title, .x_label = x_label, .percent = true, .x_scale = Scale::logarithmic, .legend = false};
  chart.height = std::max(kHeight, kHeightOfLabel * static_cast<double>(standings.size()));
  for (const Standing& standing : standings) {
    Series series{.name = standing.recipe, .marked = true, .joined = false};
    if (x(standing) > 0) {
      series.points = {{x(standing), standing.mean}};
      series.spreads = {standing.deviation};
      series.labels = {standing.recipe};
    }
    chart.series.push_back(std::move(series));
  }
  return chart;
}

// A line for each way to train, over the shares of the pictures.
Chart over_shares(const std::vector<Standing>& standings, const std::string& title) {
  Chart chart{.title = title, .x_label = "training pictures, % of all", .percent = true};
  chart.x_scale = Scale::logarithmic;
  chart.height = kHeight;
  for (const Standing& standing : standings) {
    if (chart.series.empty() || chart.series.back().name != standing.recipe)
      chart.series.push_back({.name = standing.recipe, .marked = true});
    Series& series = chart.series.back();
    series.points.push_back({100 * standing.share, standing.mean});
    series.spreads.push_back(standing.deviation);
  }
  return chart;
}

}  // namespace

std::string comparison_svg(const Comparison& comparison) {
  std::vector<Standing> standings = comparison.standings();
  const std::string accuracy = (standings.empty() ? "test" : standings.front().split) + " top-1";
  std::set<double> shares;
  for (const Standing& standing : standings) shares.insert(standing.share);
  std::vector<Chart> charts;
  if (shares.size() > 1) {
    charts.push_back(over_shares(standings, accuracy + " over the share of the training pictures"));
    std::erase_if(standings, [&](const Standing& standing) { return standing.share != *shares.rbegin(); });
  }
  charts.push_back(scatter(standings, accuracy + " over parameters", "parameters",
                           [](const Standing& s) { return static_cast<double>(s.parameters); }));
  charts.push_back(scatter(standings, accuracy + " over operations", "multiply-accumulates of a picture",
                           [](const Standing& s) { return static_cast<double>(s.macs); }));
  charts.push_back(
      scatter(standings, accuracy + " over time", "minutes", [](const Standing& s) { return s.seconds / 60; }));
  return figure_svg(charts, 2);
}

}  // namespace tessera::report
