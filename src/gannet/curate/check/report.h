// The result of a data set's check on one page: classes, box sizes and shapes of each split, what
// was found, and the images with most findings.
#pragma once

#include <filesystem>

#include "gannet/curate/check/dataset_check.h"

namespace gannet {

/// 1600 px wide; up to 8 images are read again and shown with the boxes in question. Works for a
/// set without labels, images or findings. Throws Error (kIo).
void plot_dataset_check(const DatasetCheck& check, const std::filesystem::path& path);

}  // namespace gannet
