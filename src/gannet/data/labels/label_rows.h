// A label file row by row, with a verdict on each: what a check of a data set reports and repairs.
// Training reads the same rows by parse_labels, which decides what is accepted.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gannet/core/box.h"

namespace gannet {

enum class RowState {
  kUsable,
  kMalformed,      // columns or numbers that training cannot read
  kNegativeClass,  // or one that is no class number by far
  kOutside,        // coordinates outside 0..1
};

/// One object of an image as it was written.
struct LabelRow {
  int line = 0;      // in its file, from 1; 0: the format has no lines
  std::string text;  // without blanks at the ends
  RowState state = RowState::kUsable;
  std::string problem;  // one line for people; empty if usable
  Label label;          // the box; also when `state` is kOutside
  /// Outline as written, coordinates perhaps outside 0..1; empty for an object given as a box.
  Polygon polygon;
};

/// Rows of a label file that are not blank. Never throws for what the text says.
std::vector<LabelRow> read_label_rows(std::string_view text);

/// The row with its coordinates moved into 0..1 and its text written anew. A box outside the image,
/// or with coordinates of another unit (pixels, say), comes back without area.
LabelRow clip_row(const LabelRow& row);

/// The row as a label file has it, its numbers in the shortest form that reads back the same.
std::string label_row_text(const LabelRow& row);

/// How far a box reaches over the edges of an image of this size; 0 if it does not.
float overhang_px(const Label& label, int image_width, int image_height);

}  // namespace gannet
