// Where many points lie: a map of their density.
#pragma once

#include <opencv2/core.hpp>
#include <vector>

namespace gannet {

/// Fills the frame with the density of points, logarithmic, dark where it is greatest; cells
/// without points stay as they are.
/// @param points of the unit square, y upwards; those outside count at its edge
/// @param cells per side of the map
void draw_density(cv::Mat& canvas, const cv::Rect& frame, const std::vector<cv::Point2f>& points,
                  int cells);

}  // namespace gannet
