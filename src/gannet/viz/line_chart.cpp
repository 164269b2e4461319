#include "gannet/viz/line_chart.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "gannet/viz/placement.h"

namespace gannet {
namespace {

constexpr int kWidth = 1440, kHeight = 900, kMargin = 20;
constexpr int kLegendWidth = 330;
constexpr double kText = 15, kPointText = 11;
constexpr int kPointLine = static_cast<int>(line_px(kPointText));
const cv::Scalar kWhite(255, 255, 255);

AxisRange range_of_lines(const std::vector<ChartLine>& lines,
                         std::vector<double> ChartLine::*values) {
  std::vector<double> all;
  for (const ChartLine& line : lines) {
    all.insert(all.end(), (line.*values).begin(), (line.*values).end());
  }
  return range_of(all);
}

void draw_dots(Axes& axes, const ChartLine& line) {
  for (std::size_t i = 0; i < std::min(line.x.size(), line.y.size()); ++i) {
    axes.dot(line.x[i], line.y[i], 5, line.colour);
    axes.dot(line.x[i], line.y[i], 3, kWhite);
  }
}

/// Small squares along the lines, for texts to stay clear of.
std::vector<cv::Rect> obstacles_of(const Axes& axes, const std::vector<ChartLine>& lines) {
  constexpr double kStep = 5;
  std::vector<cv::Rect> obstacles;
  for (const ChartLine& line : lines) {
    for (std::size_t i = 1; i < std::min(line.x.size(), line.y.size()); ++i) {
      const cv::Point2d from = axes.at(line.x[i - 1], line.y[i - 1]);
      const cv::Point2d way = axes.at(line.x[i], line.y[i]) - from;
      const double length = std::hypot(way.x, way.y);
      for (double at = 0; at < length; at += kStep) {  // none where a value is not finite
        const cv::Point2d p = from + way * (at / length);
        obstacles.emplace_back(static_cast<int>(p.x) - 2, static_cast<int>(p.y) - 2, 5, 5);
      }
    }
  }
  return obstacles;
}

void draw_point_names(cv::Mat& canvas, const Axes& axes, const std::vector<ChartLine>& lines) {
  std::vector<cv::Point> points;
  std::vector<cv::Size> sizes;
  std::vector<const std::string*> names;
  TextStyle style{kPointText, {50, 42, 38}};
  for (const ChartLine& line : lines) {
    const std::size_t count = std::min({line.x.size(), line.y.size(), line.point_names.size()});
    for (std::size_t i = 0; i < count; ++i) {
      if (!std::isfinite(line.x[i]) || !std::isfinite(line.y[i])) continue;
      points.emplace_back(axes.at(line.x[i], line.y[i]));
      names.push_back(&line.point_names[i]);
      sizes.emplace_back(text_width(line.point_names[i], style), kPointLine);
    }
  }
  if (points.empty()) return;
  const std::vector<cv::Rect> places =
      place_beside(points, sizes, axes.frame(), obstacles_of(axes, lines));
  for (std::size_t i = 0; i < places.size(); ++i) {
    const int base = places[i].y + static_cast<int>((kPointLine + kPointText) / 2);
    draw_text(canvas, *names[i], {places[i].x, base}, style);
  }
}

}  // namespace

cv::Mat draw_line_chart(const LineChart& chart) {
  cv::Mat canvas(kHeight, kWidth, CV_8UC3, kWhite);
  std::vector<LegendEntry> entries;
  for (std::size_t i = chart.lines.size(); i-- > 0;) {  // what is on top comes first
    const ChartLine& line = chart.lines[i];
    if (!line.name.empty())
      entries.push_back({line.name, line.value, line.colour, line.thickness + 1});
  }
  const int legend_px = entries.empty() ? 0 : kLegendWidth;
  Axes axes(
      canvas, {kMargin, kMargin, kWidth - 2 * kMargin - legend_px, kHeight - 2 * kMargin},
      chart.x.value_or(range_of_lines(chart.lines, &ChartLine::x)),
      chart.y.value_or(range_of_lines(chart.lines, &ChartLine::y)),
      {.title = chart.title, .x_title = chart.x_title, .y_title = chart.y_title, .text_px = kText});
  for (const ChartLine& line : chart.lines) {
    axes.line(line.x, line.y, line.colour, line.thickness);
    if (line.dots) draw_dots(axes, line);
  }
  draw_point_names(canvas, axes, chart.lines);
  const cv::Rect area(axes.frame().br().x + 2 * kMargin, axes.frame().y,
                      kWidth - axes.frame().br().x - 3 * kMargin, axes.frame().height);
  draw_legend(canvas, entries, place_legend(entries, area, 12));
  return canvas;
}

}  // namespace gannet
