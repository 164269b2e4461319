// Objects of one image as its annotation file tells them, and the reader of YOLO text: one object
// per row, "class cx cy w h" or "class x1 y1 x2 y2 x3 y3 ..." (outline), coordinates divided by the
// image's size.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "gannet/core/box.h"

namespace gannet {

/// Labels of one image, whatever format they come from.
struct ParsedLabels {
  std::vector<Label> labels;
  std::vector<Polygon> polygons;        // parallel to `labels`; empty when no object has an outline
  std::vector<std::uint8_t> difficult;  // parallel to `labels`; empty when no object is marked so
  std::vector<Label> crowd;             // regions of many objects (COCO); not labels
  std::vector<std::string> problems;    // "path:line: what", one for each row left out
  std::int64_t duplicate_rows = 0;      // rows that repeat an earlier one; they are kept
  int highest_class = -1;
  int highest_class_line = 0;
  std::string unknown_class;       // first class name that the data description does not know
  std::string unknown_class_path;  // where it stands; the line is 0 if that is not known
  int unknown_class_line = 0;
  std::int64_t image_id = -1;  // number of the image in its annotation file
  bool listed = true;          // false: the annotation file does not speak of this image
};

/// Appends an object; `polygons` and `difficult` stay parallel to `labels`.
void add_object(ParsedLabels& parsed, const Label& label, Polygon outline = {},
                bool is_difficult = false);

/// Never throws for what the text says: a bad row (columns, numbers, range) is named and left out.
/// Outlines are kept beside the boxes around them. Boxes without area are kept, as in the original.
/// @param path only for the problems' text
ParsedLabels parse_labels(std::string_view text, const std::string& path);

/// Smallest box around an outline; `class_id` goes into the label. @param outline not empty
Label box_around(int class_id, const Polygon& outline);

/// How many labels repeat an earlier one exactly.
std::int64_t count_duplicates(const std::vector<Label>& labels);

}  // namespace gannet
