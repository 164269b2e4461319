#include "gannet/viz/plots.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>

#include "gannet/viz/axes.h"
#include "gannet/viz/draw.h"
#include "gannet/viz/palette.h"

namespace gannet {
namespace {

const cv::Scalar kWhite(255, 255, 255);
const cv::Scalar kCurve(214, 118, 38);
constexpr int kCells = 89;                // of the density maps, per side
constexpr std::size_t kMaxShapes = 1000;  // boxes in the panel of shapes

void draw_curve(cv::Mat& canvas, const cv::Rect& area, const CurvePanel& panel,
                const std::string& x_title) {
  AxisRange x = range_of(panel.x);
  if (panel.x.empty()) x = {0, 1};
  Axes axes(canvas, area, x, range_of(panel.y),
            {.title = panel.title, .x_title = x_title, .whole_x = true});
  axes.line(panel.x, panel.y, kCurve, 3);
  const std::size_t count = std::min(panel.x.size(), panel.y.size());
  if (count == 0) return;
  const double radius = count <= 40 ? 5 : 0;
  for (std::size_t i = 0; i < count && radius > 0; ++i) {
    axes.dot(panel.x[i], panel.y[i], radius, kCurve);
    axes.dot(panel.x[i], panel.y[i], radius - 2, kWhite);
  }
  if (std::isfinite(panel.y[count - 1])) {
    const cv::Rect& frame = axes.frame();
    draw_text(canvas, fmt::format("{:.4g}", panel.y[count - 1]), {frame.br().x, frame.y - 14},
              {11, kCurve, 1, TextAnchor::kRight});
  }
}

/// Horizontal bars with name and count; where the classes are too many, some numbers.
void draw_class_bars(cv::Mat& canvas, const cv::Rect& area, const std::vector<Label>& labels,
                     const std::vector<std::string>& names) {
  std::size_t num_classes = std::max<std::size_t>(names.size(), 1);
  for (const Label& label : labels) {
    num_classes = std::max(num_classes, static_cast<std::size_t>(std::max(0, label.class_id)) + 1);
  }
  std::vector<int> counts(num_classes);
  for (const Label& label : labels) ++counts[static_cast<std::size_t>(std::max(0, label.class_id))];
  const int most = std::max(1, *std::max_element(counts.begin(), counts.end()));
  const bool named = num_classes <= 30;
  const int indent = named ? 150 : 40;
  Axes axes(canvas, {area.x + indent, area.y, area.width - indent, area.height}, {0, most * 1.12},
            {0, static_cast<double>(num_classes)},
            {.title = "Labels per class",
             .x_title = "labels",
             .whole_x = true,
             .show_y_ticks = false,
             .text_px = 15});
  const double slot = static_cast<double>(axes.frame().height) / static_cast<double>(num_classes);
  const double text = std::clamp(slot * 0.4, 7.0, 13.0);
  const auto numbered = 10 * static_cast<std::size_t>(std::ceil(2 / slot));
  for (std::size_t c = 0; c < num_classes; ++c) {
    const double top = axes.frame().y + slot * static_cast<double>(c);
    const int y1 = static_cast<int>(std::lround(top + slot * 0.14));
    const int y2 = std::max(y1 + 1, static_cast<int>(std::lround(top + slot * 0.86)));
    const int x2 = static_cast<int>(std::lround(axes.at(counts[c], 0).x));
    const cv::Rect bar(axes.frame().x + 1, y1, std::max(0, x2 - axes.frame().x), y2 - y1);
    if (bar.width > 0) {
      cv::rectangle(canvas, bar, class_colour(static_cast<int>(c)), cv::FILLED, cv::LINE_AA);
    }
    if (!named && c % numbered != 0) continue;
    const double height = named ? text : 11;
    const int base = (y1 + y2) / 2 + static_cast<int>(height / 2);
    const std::string name = named && c < names.size() ? names[c] : fmt::format("{}", c);
    draw_text(canvas, name, {axes.frame().x - 10, base},
              {height, {50, 42, 38}, 1, TextAnchor::kRight});
    if (!named) continue;
    draw_text(canvas, fmt::format("{}", counts[c]), {x2 + 8, base}, {text * 0.9, {110, 102, 98}});
  }
}

/// Density of points of the unit square, logarithmic; cells without points stay white.
cv::Mat density_map(const std::vector<cv::Point2f>& points, const cv::Size& size) {
  cv::Mat counts = cv::Mat::zeros(kCells, kCells, CV_32F);
  for (const cv::Point2f& point : points) {
    const int column = std::clamp(static_cast<int>(point.x * kCells), 0, kCells - 1);
    const int row = std::clamp(static_cast<int>((1 - point.y) * kCells), 0, kCells - 1);
    counts.at<float>(row, column) += 1;
  }
  cv::Mat level, grey, coloured, result;
  cv::log(counts + 1, level);
  double highest = 0;
  cv::minMaxLoc(level, nullptr, &highest);
  level.convertTo(grey, CV_8U, highest > 0 ? -215 / highest : 0, 235);  // many: dark
  cv::applyColorMap(grey, coloured, cv::COLORMAP_VIRIDIS);
  coloured.setTo(kWhite, counts == 0);
  cv::resize(coloured, result, size, 0, 0, cv::INTER_NEAREST);
  return result;
}

void draw_density(cv::Mat& canvas, const cv::Rect& area, const std::string& title,
                  const std::vector<cv::Point2f>& points, const std::string& x_title) {
  Axes axes(canvas, area, {0, 1}, {0, 1}, {.title = title, .x_title = x_title, .text_px = 15});
  const cv::Rect& frame = axes.frame();
  const cv::Mat map = density_map(points, frame.size());
  cv::Mat mask;
  cv::inRange(map, cv::Scalar(255, 255, 255), cv::Scalar(255, 255, 255), mask);
  map.copyTo(canvas(frame), ~mask);
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

void plot_curves(const std::vector<CurvePanel>& panels, int columns, const std::string& x_title,
                 const std::filesystem::path& path) {
  constexpr int kWidth = 480, kHeight = 600, kMargin = 16;
  const int count = static_cast<int>(panels.size());
  const int rows = std::max(1, (count + columns - 1) / columns);
  cv::Mat canvas(rows * kHeight, columns * kWidth, CV_8UC3, kWhite);
  for (int i = 0; i < count; ++i) {
    const cv::Rect area(i % columns * kWidth + kMargin / 2, i / columns * kHeight + kMargin,
                        kWidth - kMargin, kHeight - 2 * kMargin);
    draw_curve(canvas, area, panels[static_cast<std::size_t>(i)], x_title);
  }
  save_picture(path, canvas);
}

void plot_labels(const std::vector<Label>& labels, const std::vector<std::string>& names,
                 const std::filesystem::path& path) {
  constexpr int kPanel = 800, kMargin = 20;
  cv::Mat canvas(2 * kPanel, 2 * kPanel, CV_8UC3, kWhite);
  const auto area = [](int column, int row) {
    return cv::Rect(column * kPanel + kMargin, row * kPanel + kMargin, kPanel - 2 * kMargin,
                    kPanel - 2 * kMargin);
  };
  std::vector<cv::Point2f> centres, sizes;
  for (const Label& label : labels) {
    centres.emplace_back(label.cx, 1 - label.cy);  // as in the image: y grows downwards
    sizes.emplace_back(label.width, label.height);
  }
  draw_class_bars(canvas, area(0, 0), labels, names);
  draw_shapes(canvas, area(1, 0), labels);
  draw_density(canvas, area(0, 1), "Centres", centres, "x from left, y from bottom");
  draw_density(canvas, area(1, 1), "Sizes", sizes, "width, height upwards");
  save_picture(path, canvas);
}

}  // namespace gannet
