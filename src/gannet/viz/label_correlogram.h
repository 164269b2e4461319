// What the boxes of a data set have in common: each of x, y, width and height against each other.
#pragma once

#include <filesystem>
#include <vector>

#include "gannet/core/box.h"

namespace gannet {

/// A triangle of panels, 1600 x 1600 px: on the diagonal how often values of centre x, centre y,
/// width and height occur, below it the density of each pair. All are parts of the image, y from
/// the top. Works with no labels and with equal ones. Throws Error (kIo).
void plot_label_correlogram(const std::vector<Label>& labels, const std::filesystem::path& path);

}  // namespace gannet
