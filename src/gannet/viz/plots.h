// Plots as pictures: panels of curves, and what the labels of a data set look like (RB 8.6).
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "gannet/core/box.h"

namespace gannet {

/// One panel: y over x. Values that are not finite leave gaps.
struct CurvePanel {
  std::string title;
  std::vector<double> x, y;
};

/// Panels of 480 x 600 px, row by row. Throws Error (kIo).
void plot_curves(const std::vector<CurvePanel>& panels, int columns, const std::string& x_title,
                 const std::filesystem::path& path);

/// Labels per class, density of centres and of sizes, and the shapes of some boxes around a common
/// centre. Works with no labels and with equal ones (Q57). Throws Error (kIo).
void plot_labels(const std::vector<Label>& labels, const std::vector<std::string>& names,
                 const std::filesystem::path& path);

}  // namespace gannet
