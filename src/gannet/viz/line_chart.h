// A picture of one set of axes with named lines and a legend beside it.
#pragma once

#include <opencv2/core.hpp>
#include <optional>
#include <string>
#include <vector>

#include "gannet/viz/axes.h"

namespace gannet {

struct ChartLine {
  std::string name;          // in the legend; left out there if empty
  std::string value;         // behind the name
  std::vector<double> x, y;  // values that are not finite leave gaps
  cv::Scalar colour;
  int thickness = 2;
  bool dots = false;
  std::vector<std::string> point_names = {};  // next to the points
};

struct LineChart {
  std::string title, x_title, y_title;
  std::vector<ChartLine> lines;                                 // the last one on top
  std::optional<AxisRange> x = std::nullopt, y = std::nullopt;  // that of the values if empty
};

/// 1440 x 900 px; without a legend if no line has a name.
cv::Mat draw_line_chart(const LineChart& chart);

}  // namespace gannet
