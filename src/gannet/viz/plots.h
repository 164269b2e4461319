// Plots as pictures: panels of curves, and what the labels of a data set look like (RB 8.6).
#pragma once

#include <filesystem>
#include <limits>
#include <string>
#include <vector>

#include "gannet/core/box.h"

namespace gannet {

/// One panel: y over x. Values that are not finite leave gaps.
struct CurvePanel {
  std::string title;
  std::vector<double> x, y;
};

struct CurvesStyle {
  int columns = 5;
  std::string x_title = {};
  bool smoothed = false;  // a thin line of the values under a smoothed one
  double best_x = std::numeric_limits<double>::quiet_NaN();  // marked in each panel, with its value
  std::string best_name = "best";                            // what stands before it
};

/// Panels of 480 x 600 px, row by row. Throws Error (kIo).
void plot_curves(const std::vector<CurvePanel>& panels, const CurvesStyle& style,
                 const std::filesystem::path& path);

/// The values weighted by a bell curve of this standard deviation; values that are not finite have
/// no weight and stay as they are.
std::vector<double> gauss_smoothed(const std::vector<double>& values, double sigma);

/// Labels per class, density of centres and of sizes, and the shapes of some boxes around a common
/// centre; larger than 1600 x 1600 px for more than about 50 classes. Works with no labels and with
/// equal ones (Q57). Throws Error (kIo).
void plot_labels(const std::vector<Label>& labels, const std::vector<std::string>& names,
                 const std::filesystem::path& path);

}  // namespace gannet
