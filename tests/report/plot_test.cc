#include "tessera/report/plot.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tessera/report/label_places.h"

namespace tessera::report {
namespace {

TEST(Curve, KeepsTheMeanWithinItsLimit) {
  Curve curve(16);
  double sum = 0;
  constexpr int kValues = 16 * 1024;
  for (int i = 0; i < kValues; ++i) {
    curve.add(i, std::sin(i));
    sum += std::sin(i);
    ASSERT_LE(curve.points().size(), 17u);
  }
  const auto points = curve.points();
  double mean = 0;
  for (const auto& point : points) mean += point.y / static_cast<double>(points.size());
  EXPECT_NEAR(mean, sum / kValues, 1e-12);
  for (size_t i = 1; i < points.size(); ++i) EXPECT_GT(points[i].x, points[i - 1].x);
}

TEST(Curve, AnOddLimitLosesNothing) {
  Curve curve(5);
  for (int i = 1; i <= 12; ++i) curve.add(i, i);
  double weighted = 0;
  const auto points = curve.points();  // 1–4, 5–8, 9–12
  ASSERT_EQ(points.size(), 3u);
  for (const auto& point : points) weighted += 4 * point.y;
  EXPECT_EQ(weighted, 78);
  EXPECT_EQ(points[1].y, 6.5);
}

TEST(Curve, LeavesOutWhatIsNotFinite) {
  Curve curve;
  curve.add(1, NAN);
  curve.add(2, INFINITY);
  EXPECT_TRUE(curve.points().empty());
}

TEST(Ticks, AreRoundAndCoverTheRange) {
  EXPECT_EQ(ticks(0, 1, 4), (std::vector<double>{0, 0.2, 0.4, 0.6000000000000001, 0.8, 1}));
  EXPECT_EQ(ticks(0, 4, 4), (std::vector<double>{0, 1, 2, 3, 4}));
  EXPECT_EQ(ticks(130, 2700, 5), (std::vector<double>{0, 500, 1000, 1500, 2000, 2500, 3000}));
  for (const double scale : {1e-9, 1e-3, 7.0, 1e6}) {
    const auto all = ticks(-scale, 2.2 * scale, 4);
    EXPECT_LE(all.front(), -scale);
    EXPECT_GE(all.back(), 2.2 * scale * (1 - 1e-9));
    EXPECT_LE(all.size(), 8u);
  }
}

TEST(Chart, DrawsCurvesWithEscapedNames) {
  const std::string svg =
      chart_svg({"a < b", "step", true, true, {{"tr&in", {{1, 0.5}, {2, 0.75}}, true}, {"val", {}}}});
  EXPECT_NE(svg.find("a &lt; b"), std::string::npos);
  EXPECT_NE(svg.find("<title>tr&amp;in, 2: 75 %</title>"), std::string::npos);
  EXPECT_EQ(svg.find("nan"), std::string::npos);
  EXPECT_EQ(svg.find("nothing yet"), std::string::npos);
}

TEST(Chart, OnePointOrNoneIsDrawnToo) {
  for (const auto& points : {std::vector<Curve::Point>{}, {{0, 0}}, {{5, -3}}, {{1, 1e-300}, {2, 1e-300}}}) {
    const std::string svg = chart_svg({"loss", "step", false, false, {{"loss", points}}});
    EXPECT_EQ(svg.find("nan"), std::string::npos);
    EXPECT_EQ(svg.find("inf"), std::string::npos);
    EXPECT_EQ(svg.find("nothing yet") != std::string::npos, points.empty());
  }
}

TEST(Axis, ALogarithmicOneHasRoundValues) {
  const Axis axis = axis_over(1e5, 1e8, Scale::logarithmic);
  EXPECT_EQ(ticks_within(axis, 5), (std::vector<double>{1e5, 2e5, 5e5, 1e6, 2e6, 5e6, 1e7, 2e7, 5e7, 1e8}));
  EXPECT_EQ(ticks_within(axis_over(1, 1e8, Scale::logarithmic), 5).size(), 9u);
  EXPECT_EQ(ticks_within(axis_over(5.1e6, 5.9e6, Scale::logarithmic), 4).size(), 4u);  // not one of 1, 2, 5
  EXPECT_NEAR(axis(1e5), 0, 1e-12);
  EXPECT_NEAR(axis(std::sqrt(1e13)), 0.5, 1e-12);
  EXPECT_EQ(tick_label(2e7, false, axis), "20 M");
  EXPECT_EQ(tick_label(5e5, false, axis), "500 k");
}

TEST(Chart, PointsHaveSpreadsAndTexts) {
  const Chart chart{.title = "t",
                    .x_label = "x",
                    .percent = true,
                    .series = {{"a", {{1e6, 0.5}}, true, false, {0.1}, {"first"}},
                               {"b", {{1e7, 0.5}}, true, false, {NAN}, {"second"}}},
                    .x_scale = Scale::logarithmic,
                    .legend = false};
  const std::string svg = chart_svg(chart);
  EXPECT_EQ(svg.find("nan"), std::string::npos);
  EXPECT_NE(svg.find(">first</text>"), std::string::npos);
  size_t bars = 0;
  for (size_t at = 0; (at = svg.find("stroke-width=\"1.2\"", at)) != std::string::npos; ++at) ++bars;
  EXPECT_EQ(bars, 1u);
  const std::string both = figure_svg({chart, chart, chart}, 2);
  EXPECT_NE(both.find("viewBox=\"0 0 960 520\""), std::string::npos) << both.substr(0, 200);
  EXPECT_NE(both.find("translate(480,0)"), std::string::npos);
  EXPECT_NE(both.find("translate(0,260)"), std::string::npos);
}

TEST(LabelPlaces, AreApart) {
  const std::vector<LabelledPoint> points = {
      {100, 100, "one of them"}, {103, 101, "another one"}, {101, 104, "a third"}, {440, 60, "near the right end"}};
  const auto places = label_places(points, 50, 470);
  ASSERT_EQ(places.size(), points.size());
  for (size_t i = 0; i < places.size(); ++i) {
    EXPECT_LE(places[i].x + label_width(points[i].label), 470);
    for (size_t j = 0; j < i; ++j) {
      const bool beside = places[i].x >= places[j].x + label_width(points[j].label) ||
                          places[j].x >= places[i].x + label_width(points[i].label);
      EXPECT_TRUE(beside || std::abs(places[i].y - places[j].y) >= 12) << points[i].label << ", " << points[j].label;
    }
  }
}

TEST(EscapeMarkup, KeepsMarkupOut) {
  EXPECT_EQ(escape_markup("<a href=\"x\">&\x01"), "&lt;a href=&quot;x&quot;&gt;&amp; ");
}

}  // namespace
}  // namespace tessera::report
