#include "gannet/viz/plots.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>
#include <optional>

#include "gannet/viz/axes.h"
#include "gannet/viz/density.h"
#include "gannet/viz/draw.h"
#include "gannet/viz/palette.h"
#include "gannet/viz/placement.h"
#include "gannet/viz/text.h"

namespace gannet {
namespace {

const cv::Scalar kWhite(255, 255, 255);
const cv::Scalar kCurve(214, 118, 38);
const cv::Scalar kPaleCurve(240, 208, 172);
const cv::Scalar kBest(50, 110, 225);
constexpr std::size_t kMinSmoothed = 12;  // values; fewer are shown as they are
constexpr double kSmoothingSigma = 3;
constexpr int kCells = 89;                // of the density maps, per side
constexpr std::size_t kMaxShapes = 1000;  // boxes in the panel of shapes

/// Rings at the values if they are few.
void draw_rings(Axes& axes, const CurvePanel& panel, double radius) {
  if (panel.x.size() > 40) return;
  for (std::size_t i = 0; i < std::min(panel.x.size(), panel.y.size()); ++i) {
    axes.dot(panel.x[i], panel.y[i], radius, kCurve);
    axes.dot(panel.x[i], panel.y[i], radius - 2, kWhite);
  }
}

/// Marks the best place; gives its value, if the panel has one there.
std::optional<double> draw_best(Axes& axes, const CurvePanel& panel, double best_x) {
  const auto found = std::find(panel.x.begin(), panel.x.end(), best_x);
  const auto at = static_cast<std::size_t>(found - panel.x.begin());
  if (at >= std::min(panel.x.size(), panel.y.size()) || !std::isfinite(panel.y[at])) return {};
  axes.mark_x(best_x, kBest);
  axes.dot(best_x, panel.y[at], 6, kBest);
  return panel.y[at];
}

void draw_curve(cv::Mat& canvas, const cv::Rect& area, const CurvePanel& panel,
                const CurvesStyle& style) {
  AxisRange x = range_of(panel.x);
  if (panel.x.empty()) x = {0, 1};
  Axes axes(canvas, area, x, range_of(panel.y),
            {.title = panel.title, .x_title = style.x_title, .whole_x = true});
  const bool smoothed = style.smoothed && panel.y.size() >= kMinSmoothed;
  axes.line(panel.x, panel.y, smoothed ? kPaleCurve : kCurve, smoothed ? 2 : 3);
  if (smoothed) axes.line(panel.x, gauss_smoothed(panel.y, kSmoothingSigma), kCurve, 3);
  if (!smoothed) draw_rings(axes, panel, 5);
  const cv::Rect& frame = axes.frame();
  if (const auto best = draw_best(axes, panel, style.best_x)) {
    draw_text(canvas, fmt::format("{} {:g}: {:.4g}", style.best_name, style.best_x, *best),
              {frame.x, frame.y - 7}, {9, kBest});
  }
  if (!panel.y.empty() && std::isfinite(panel.y.back())) {
    draw_text(canvas, fmt::format("last {:.4g}", panel.y.back()), {frame.br().x, frame.y - 7},
              {9, kCurve, false, TextAnchor::kRight});
  }
}

std::vector<int> class_counts(const std::vector<Label>& labels, std::size_t num_classes) {
  std::vector<int> counts(num_classes);
  for (const Label& label : labels) {
    const auto id = static_cast<std::size_t>(std::max(0, label.class_id));
    if (id >= counts.size()) counts.resize(id + 1);
    ++counts[id];
  }
  return counts;
}

std::vector<std::string> all_names(const std::vector<std::string>& names, std::size_t count) {
  std::vector<std::string> all = names;
  while (all.size() < count) all.push_back(fmt::format("{}", all.size()));
  return all;
}

/// Horizontal bars with name and count.
void draw_class_bars(cv::Mat& canvas, const cv::Rect& area, const std::vector<int>& counts,
                     const std::vector<std::string>& names) {
  constexpr int kNames = 180;
  const int most = std::max(1, *std::max_element(counts.begin(), counts.end()));
  Axes axes(canvas, {area.x + kNames, area.y, area.width - kNames, area.height}, {0, most * 1.14},
            {0, static_cast<double>(counts.size())},
            {.title = "Labels per class",
             .x_title = "labels",
             .whole_x = true,
             .show_y_ticks = false,
             .text_px = 15});
  const cv::Rect& frame = axes.frame();
  const double slot = static_cast<double>(frame.height) / static_cast<double>(counts.size());
  for (std::size_t c = 0; c < counts.size(); ++c) {
    const double top = frame.y + slot * static_cast<double>(c);
    const int y1 = static_cast<int>(std::lround(top + slot * 0.14));
    const int y2 = std::max(y1 + 1, static_cast<int>(std::lround(top + slot * 0.86)));
    const int x2 = static_cast<int>(std::lround(axes.at(counts[c], 0).x));
    const cv::Rect bar(frame.x + 1, y1, std::max(0, x2 - frame.x), y2 - y1);
    if (bar.width > 0) canvas(bar).setTo(class_colour(static_cast<int>(c)));
    const double text = std::min(capital_px(slot), 11.0);
    if (text < 5) continue;
    draw_text(canvas, fmt::format("{}", counts[c]),
              {x2 + 8, (y1 + y2) / 2 + static_cast<int>(std::lround(text / 2))},
              {text, {110, 102, 98}});
  }
  draw_texts(canvas, place_row_names(all_names(names, counts.size()), frame,
                                     {.max_length_px = kNames, .max_text_px = 13}));
}

void draw_density_panel(cv::Mat& canvas, const cv::Rect& area, const std::string& title,
                        const std::vector<cv::Point2f>& points, const std::string& x_title) {
  const Axes axes(canvas, area, {0, 1}, {0, 1},
                  {.title = title, .x_title = x_title, .text_px = 15});
  draw_density(canvas, axes.frame(), points, kCells);
}

void draw_shapes(cv::Mat& canvas, const cv::Rect& area, const std::vector<Label>& labels) {
  Axes axes(canvas, area, {-0.5, 0.5}, {-0.5, 0.5},
            {.title = "Box shapes", .x_title = "width, height", .text_px = 15});
  cv::Mat layer = canvas.clone();
  const std::size_t stride = std::max<std::size_t>(1, labels.size() / kMaxShapes);
  for (std::size_t i = 0; i < labels.size(); i += stride) {
    const Label& label = labels[i];
    const cv::Point2d low = axes.at(-label.width / 2, label.height / 2);
    const cv::Point2d high = axes.at(label.width / 2, -label.height / 2);
    cv::rectangle(layer, cv::Point(low), cv::Point(high), class_colour(label.class_id), 1,
                  cv::LINE_AA);
  }
  cv::addWeighted(layer, 0.65, canvas, 0.35, 0, canvas);
}

}  // namespace

std::vector<double> gauss_smoothed(const std::vector<double>& values, double sigma) {
  std::vector<double> smoothed = values;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!std::isfinite(values[i])) continue;
    double sum = 0, weights = 0;
    for (std::size_t k = 0; k < values.size(); ++k) {
      if (!std::isfinite(values[k])) continue;
      const double distance = (static_cast<double>(k) - static_cast<double>(i)) / sigma;
      const double weight = std::exp(-0.5 * distance * distance);
      sum += weight * values[k], weights += weight;
    }
    smoothed[i] = sum / weights;
  }
  return smoothed;
}

void plot_curves(const std::vector<CurvePanel>& panels, const CurvesStyle& style,
                 const std::filesystem::path& path) {
  constexpr int kWidth = 480, kHeight = 600, kMargin = 16;
  const int count = static_cast<int>(panels.size()), columns = std::max(1, style.columns);
  const int rows = std::max(1, (count + columns - 1) / columns);
  cv::Mat canvas(rows * kHeight, columns * kWidth, CV_8UC3, kWhite);
  for (int i = 0; i < count; ++i) {
    const cv::Rect area(i % columns * kWidth + kMargin / 2, i / columns * kHeight + kMargin,
                        kWidth - kMargin, kHeight - 2 * kMargin);
    draw_curve(canvas, area, panels[static_cast<std::size_t>(i)], style);
  }
  save_picture(path, canvas);
}

void plot_labels(const std::vector<Label>& labels, const std::vector<std::string>& names,
                 const std::filesystem::path& path) {
  constexpr int kMargin = 20;
  const std::vector<int> counts = class_counts(labels, std::max<std::size_t>(names.size(), 1));
  const int panel = std::clamp(static_cast<int>(13 * counts.size()) + 145, 800, 1600);
  cv::Mat canvas(2 * panel, 2 * panel, CV_8UC3, kWhite);
  const auto area = [panel](int column, int row) {
    return cv::Rect(column * panel + kMargin, row * panel + kMargin, panel - 2 * kMargin,
                    panel - 2 * kMargin);
  };
  std::vector<cv::Point2f> centres, sizes;
  for (const Label& label : labels) {
    centres.emplace_back(label.cx, 1 - label.cy);  // as in the image: y grows downwards
    sizes.emplace_back(label.width, label.height);
  }
  draw_class_bars(canvas, area(0, 0), counts, names);
  draw_shapes(canvas, area(1, 0), labels);
  draw_density_panel(canvas, area(0, 1), "Centres", centres, "x from left, y from bottom");
  draw_density_panel(canvas, area(1, 1), "Sizes", sizes, "width, height upwards");
  save_picture(path, canvas);
}

}  // namespace gannet
