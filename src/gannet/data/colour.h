// Random change of hue, saturation and brightness (RB 3.9).
#pragma once

#include <opencv2/core.hpp>

#include "gannet/core/rng.h"

namespace gannet {

/// Largest relative change of each channel.
struct ColourRanges {
  double hue = 0, saturation = 0, value = 0;
  bool any() const { return hue != 0 || saturation != 0 || value != 0; }
};

/// Factors of the channels; hue wraps around, the others saturate.
struct ColourDraws {
  double hue = 1, saturation = 1, value = 1;
};

ColourDraws draw_colour(const ColourRanges& ranges, Rng& rng);

/// A new BGR image; the given one stays as it is.
cv::Mat jitter_colour(const cv::Mat& image, const ColourDraws& draws);

}  // namespace gannet
