// How the picture of a confusion matrix is divided, and its drawing.
#pragma once

#include <opencv2/core.hpp>
#include <vector>

#include "gannet/viz/evaluation_plots.h"
#include "gannet/viz/text.h"

namespace gannet {

struct ConfusionLayout {
  cv::Size canvas;
  cv::Rect matrix;
  int cell_px = 0;
  cv::Rect colour_bar;
  std::vector<PlacedText> texts;  // names, titles and the scale

  cv::Rect cell(int row, int column) const {
    return {matrix.x + column * cell_px, matrix.y + row * cell_px, cell_px, cell_px};
  }
};

/// @param names of the classes; the background comes behind them
ConfusionLayout confusion_layout(const std::vector<std::string>& names);

/// Colour of a share in 0..1, white to dark blue, BGR.
cv::Scalar share_colour(double share);

/// 8-bit BGR.
cv::Mat draw_confusion_matrix(const ConfusionCounts& confusion);

}  // namespace gannet
