// The five kinds of road signs of the demo data set, painted as vector graphics.
#pragma once

#include <array>
#include <opencv2/core.hpp>

#include "gannet/core/rng.h"

namespace gannet {

inline constexpr std::array<const char*, 5> kDemoClassNames = {"stop", "warning", "speed_limit",
                                                               "direction", "priority"};

/// A sign seen from the front. `mask` is 255 on the sign; both are size x size.
struct SignPicture {
  cv::Mat bgr, mask;
};

/// Paints a sign of a class with its variants (number, arrow, triangle up or down) drawn from
/// `rng`.
SignPicture paint_sign(int class_id, int size, Rng& rng);

}  // namespace gannet
