#include "gannet/viz/label_correlogram.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <opencv2/imgproc.hpp>

#include "gannet/viz/axes.h"
#include "gannet/viz/density.h"
#include "gannet/viz/draw.h"

namespace gannet {
namespace {

constexpr int kPanel = 400, kMargin = 10, kCells = 44;
constexpr std::size_t kBins = 50;
const cv::Scalar kBar(214, 118, 38);

struct Variable {
  const char* name;
  float Label::*member;
};
constexpr std::array<Variable, 4> kVariables{
    {{"x", &Label::cx}, {"y", &Label::cy}, {"width", &Label::width}, {"height", &Label::height}}};

std::vector<double> histogram(const std::vector<Label>& labels, const Variable& of) {
  std::vector<double> counts(kBins);
  for (const Label& label : labels) {
    const float place = std::clamp(label.*of.member, 0.0f, 1.0f) * static_cast<float>(kBins);
    counts[std::min(static_cast<std::size_t>(place), kBins - 1)] += 1;
  }
  return counts;
}

void draw_histogram(cv::Mat& canvas, const cv::Rect& area, const std::vector<Label>& labels,
                    const Variable& of, PanelStyle style) {
  const std::vector<double> counts = histogram(labels, of);
  const double most = std::max(1.0, *std::max_element(counts.begin(), counts.end()));
  style.y_title = "boxes";
  const Axes axes(canvas, area, {0, 1}, {0, most * 1.05}, style);
  for (std::size_t i = 0; i < kBins; ++i) {
    if (counts[i] == 0) continue;
    const double bins = kBins, left = static_cast<double>(i) / bins;
    cv::rectangle(canvas, cv::Point(axes.at(left, counts[i])),
                  cv::Point(axes.at(left + 1 / bins, 0)), kBar, cv::FILLED);
  }
}

void draw_pair(cv::Mat& canvas, const cv::Rect& area, const std::vector<Label>& labels,
               const Variable& x, const Variable& y, const PanelStyle& style) {
  std::vector<cv::Point2f> points;
  for (const Label& label : labels) points.emplace_back(label.*x.member, label.*y.member);
  const Axes axes(canvas, area, {0, 1}, {0, 1}, style);
  draw_density(canvas, axes.frame(), points, kCells);
}

}  // namespace

void plot_label_correlogram(const std::vector<Label>& labels, const std::filesystem::path& path) {
  const int count = static_cast<int>(kVariables.size());
  cv::Mat canvas(count * kPanel, count * kPanel, CV_8UC3, cv::Scalar(255, 255, 255));
  for (int row = 0; row < count; ++row) {
    for (int column = 0; column <= row; ++column) {
      const Variable& x = kVariables[static_cast<std::size_t>(column)];
      const Variable& y = kVariables[static_cast<std::size_t>(row)];
      const cv::Rect area(column * kPanel + kMargin, row * kPanel + kMargin, kPanel - 2 * kMargin,
                          kPanel - 2 * kMargin);
      PanelStyle style{.title = {}, .x_title = x.name};
      if (row == column) {
        draw_histogram(canvas, area, labels, x, style);
      } else {
        style.y_title = y.name;
        draw_pair(canvas, area, labels, x, y, style);
      }
    }
  }
  save_picture(path, canvas);
}

}  // namespace gannet
