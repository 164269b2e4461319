#include "gannet/viz/training_plots.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <opencv2/imgproc.hpp>

#include "gannet/viz/draw.h"
#include "gannet/viz/line_chart.h"
#include "gannet/viz/palette.h"
#include "gannet/viz/placement.h"

namespace gannet {
namespace {

constexpr std::size_t kMaxDots = 20000;
constexpr int kPanel = 900, kMargin = 20, kLegend = 260;
const cv::Scalar kDot(205, 175, 145);

/// Up to the largest anchor and all but the largest hundredth of the sizes.
double extent_of(const std::vector<SizePx>& sizes_px,
                 const std::vector<std::vector<SizePx>>& anchors_px) {
  std::vector<float> sides;
  for (const SizePx& size : sizes_px) {
    if (std::isfinite(size[0]) && std::isfinite(size[1]))
      sides.push_back(std::max(size[0], size[1]));
  }
  double extent = 1;
  if (!sides.empty()) {
    const auto rank = static_cast<std::ptrdiff_t>(0.99 * static_cast<double>(sides.size() - 1));
    std::nth_element(sides.begin(), sides.begin() + rank, sides.end());
    extent = std::max<double>(extent, sides[static_cast<std::size_t>(rank)]);
  }
  for (const auto& level : anchors_px) {
    for (const SizePx& anchor : level)
      extent = std::max<double>(extent, std::max(anchor[0], anchor[1]));
  }
  return 1.08 * extent;
}

void draw_cloud(cv::Mat& canvas, const Axes& axes, const std::vector<SizePx>& sizes_px) {
  cv::Mat layer = canvas.clone();
  const std::size_t stride = std::max<std::size_t>(1, sizes_px.size() / kMaxDots);
  for (std::size_t i = 0; i < sizes_px.size(); i += stride) {
    const cv::Point2d at = axes.at(sizes_px[i][0], sizes_px[i][1]);
    if (!axes.frame().contains(cv::Point(at))) continue;
    cv::circle(layer, cv::Point(at), 2, kDot, cv::FILLED, cv::LINE_AA);
  }
  cv::addWeighted(layer, 0.7, canvas, 0.3, 0, canvas);
}

std::vector<LegendEntry> draw_anchors(cv::Mat& canvas, const Axes& axes,
                                      const std::vector<std::vector<SizePx>>& anchors_px) {
  std::vector<LegendEntry> entries;
  const cv::Point origin(axes.at(0, 0));
  for (std::size_t level = 0; level < anchors_px.size(); ++level) {
    const cv::Scalar colour = class_colour(static_cast<int>(level));
    for (const SizePx& anchor : anchors_px[level]) {
      cv::rectangle(canvas, origin, cv::Point(axes.at(anchor[0], anchor[1])), colour, 2);
      entries.push_back({fmt::format("level {}:", level),
                         fmt::format("{:.4g} × {:.4g}", anchor[0], anchor[1]), colour, 3});
    }
  }
  return entries;
}

LineChart chart_of(const std::string& title, const std::string& y_title,
                   const std::vector<RateCurve>& curves, double epochs, int first_colour) {
  LineChart chart{title, "epoch", y_title, {}};
  chart.x = AxisRange{0, std::max(epochs, 1e-9)};
  for (std::size_t i = curves.size(); i-- > 0;) {
    const std::vector<double>& values = curves[i].values;
    ChartLine line{curves[i].name,
                   {},
                   {},
                   values,
                   class_colour(first_colour + static_cast<int>(i)),
                   2 + 2 * static_cast<int>(i)};  // equal ones show as rims
    for (std::size_t k = 0; k < values.size(); ++k) {
      line.x.push_back(epochs * static_cast<double>(k) / static_cast<double>(values.size()));
    }
    chart.lines.push_back(std::move(line));
  }
  return chart;
}

}  // namespace

void plot_anchors(const std::vector<SizePx>& sizes_px,
                  const std::vector<std::vector<SizePx>>& anchors_px,
                  const std::filesystem::path& path) {
  cv::Mat canvas(kPanel, kPanel + kLegend, CV_8UC3, cv::Scalar(255, 255, 255));
  const AxisRange range{0, extent_of(sizes_px, anchors_px)};
  const Axes axes(canvas, {kMargin, kMargin, kPanel - kMargin, kPanel - 2 * kMargin}, range, range,
                  {.title = fmt::format("Anchors and the sizes of {} boxes", sizes_px.size()),
                   .x_title = "width, px",
                   .y_title = "height, px",
                   .text_px = 15});
  draw_cloud(canvas, axes, sizes_px);
  const std::vector<LegendEntry> entries = draw_anchors(canvas, axes, anchors_px);
  const cv::Rect area(kPanel + kMargin, axes.frame().y, kLegend - 2 * kMargin, axes.frame().height);
  draw_legend(canvas, entries, place_legend(entries, area, 12));
  save_picture(path, canvas);
}

void plot_learning_rates(const std::vector<RateCurve>& rates, const RateCurve& momentum,
                         double epochs, const std::filesystem::path& path) {
  cv::Mat picture = draw_line_chart(chart_of("Learning rates", "learning rate", rates, epochs, 0));
  if (!momentum.values.empty()) {
    LineChart chart = chart_of("Momentum", "momentum", {momentum}, epochs, 3);
    chart.y = AxisRange{0, 1};
    cv::vconcat(picture, draw_line_chart(chart), picture);
  }
  save_picture(path, picture);
}

}  // namespace gannet
