// YOLO label files: one object per row, "class cx cy w h" or "class x1 y1 x2 y2 x3 y3 ..."
// (polygon), coordinates divided by the image's size.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "gannet/core/box.h"

namespace gannet {

struct ParsedLabels {
  std::vector<Label> labels;
  std::vector<std::string> problems;  // "path:line: what", one for each row left out
  std::int64_t duplicate_rows = 0;    // rows that repeat an earlier one; they are kept
  int highest_class = -1;
  int highest_class_line = 0;
};

/// Never throws for what the text says: a bad row (columns, numbers, range) is named and left out.
/// Polygons become the boxes around them. Boxes without area are kept, as in the original.
/// @param path only for the problems' text
ParsedLabels parse_labels(std::string_view text, const std::string& path);

}  // namespace gannet
