// Pictures of what a training is about to do: anchors and learning rates.
#pragma once

#include <array>
#include <filesystem>
#include <string>
#include <vector>

namespace gannet {

/// Width and height.
using SizePx = std::array<float, 2>;

/// Sizes of boxes as a cloud, and the anchors as rectangles from the origin, a colour for each
/// level. Works without sizes. Throws Error (kIo).
/// @param sizes_px of labels, at the size of training   @param anchors_px by level
void plot_anchors(const std::vector<SizePx>& sizes_px,
                  const std::vector<std::vector<SizePx>>& anchors_px,
                  const std::filesystem::path& path);

/// One curve of the plan.
struct RateCurve {
  std::string name;            // "weights", ...
  std::vector<double> values;  // of each iteration (or of any number of evenly spaced ones)
};

/// Planned learning rates over the epochs and, below, the momentum (left out if it has no values).
/// Throws Error (kIo).
/// @param epochs that the values span
void plot_learning_rates(const std::vector<RateCurve>& rates, const RateCurve& momentum,
                         double epochs, const std::filesystem::path& path);

}  // namespace gannet
