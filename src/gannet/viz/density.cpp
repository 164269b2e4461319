#include "gannet/viz/density.h"

#include <algorithm>
#include <opencv2/imgproc.hpp>

namespace gannet {

void draw_density(cv::Mat& canvas, const cv::Rect& frame, const std::vector<cv::Point2f>& points,
                  int cells) {
  cv::Mat counts = cv::Mat::zeros(cells, cells, CV_32F);
  const auto cell = [cells](float value) {
    return std::clamp(static_cast<int>(value * static_cast<float>(cells)), 0, cells - 1);
  };
  for (const cv::Point2f& point : points) counts.at<float>(cell(1 - point.y), cell(point.x)) += 1;
  cv::Mat level, grey, coloured, mask;
  cv::log(counts + 1, level);
  double highest = 0;
  cv::minMaxLoc(level, nullptr, &highest);
  level.convertTo(grey, CV_8U, highest > 0 ? -215 / highest : 0, 235);  // many: dark
  cv::applyColorMap(grey, coloured, cv::COLORMAP_VIRIDIS);
  cv::resize(coloured, coloured, frame.size(), 0, 0, cv::INTER_NEAREST);
  cv::resize(cv::Mat(counts > 0), mask, frame.size(), 0, 0, cv::INTER_NEAREST);
  coloured.copyTo(canvas(frame), mask);
}

}  // namespace gannet
