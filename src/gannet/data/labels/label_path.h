// Where the YOLO text of an image is.
#pragma once

#include <string>

namespace gannet {

/// Label file of an image: the last "images" path component becomes "labels", suffix ".txt" (RB
/// Q36).
std::string label_path(const std::string& image_path);

}  // namespace gannet
