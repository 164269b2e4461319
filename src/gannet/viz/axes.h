// One panel of a plot: a frame with ticks, a thin grid and a map from values to pixels.
#pragma once

#include <opencv2/core.hpp>
#include <string>
#include <vector>

#include "gannet/viz/text.h"

namespace gannet {

struct AxisRange {
  double low = 0, high = 1;
};

/// The range of the finite values, widened a little; 0 to 1 if there are none.
AxisRange range_of(const std::vector<double>& values);

/// Round numbers within the range, `wanted` of them or a few less; whole numbers if asked for.
std::vector<double> round_ticks(const AxisRange& range, int wanted, bool whole = false);

/// The shortest text that tells ticks of this distance apart.
std::string tick_text(double value, double distance);

/// What a panel shows around its content.
struct PanelStyle {
  std::string title, x_title, y_title = {};
  bool whole_x = false;  // ticks of x on whole numbers only
  bool show_x_ticks = true;
  bool show_y_ticks = true;
  double text_px = 13;
};

class Axes {
 public:
  /// Draws title, frame, grid and tick labels; `area` is the whole panel with its margins.
  Axes(cv::Mat& canvas, const cv::Rect& area, const AxisRange& x, const AxisRange& y,
       const PanelStyle& style);

  const cv::Rect& frame() const { return frame_; }
  cv::Point2d at(double x, double y) const;
  /// A smooth-edged line through the points; gaps where a value is not finite.
  void line(const std::vector<double>& x, const std::vector<double>& y, const cv::Scalar& colour,
            int thickness);
  /// A dashed line from bottom to top.
  void mark_x(double x, const cv::Scalar& colour);
  void dot(double x, double y, double radius, const cv::Scalar& colour);

 private:
  void draw_x_ticks(const PanelStyle& style);
  void draw_y_ticks(const PanelStyle& style, const std::vector<double>& ticks);
  void draw_titles(const cv::Rect& area, const PanelStyle& style);

  cv::Mat& canvas_;
  cv::Rect frame_;
  AxisRange x_, y_;
};

}  // namespace gannet
