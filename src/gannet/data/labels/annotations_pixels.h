// Boxes of annotation files in pixels against labels divided by the image's size, one axis at a
// time. The way back finds the shortest decimal numbers that give exactly the same label again, so
// that converting a data set loses nothing.
#pragma once

#include <optional>

#include "gannet/core/box.h"

namespace gannet {

/// Centre and size of a box along one axis, divided by the image's side.
struct AxisSpan {
  float centre = 0, size = 0;
  friend bool operator==(const AxisSpan&, const AxisSpan&) = default;
};

/// COCO's way to say a span: where it starts and how long it is, px.
struct PixelRun {
  double start = 0, length = 0;
};
/// Pascal VOC's way: both ends, px.
struct PixelEnds {
  double first = 0, last = 0;
};

AxisSpan to_span(const PixelRun& run, int side_px);
AxisSpan to_span(const PixelEnds& ends, int side_px);

/// Numbers with the fewest decimals for which to_span gives `span` back, bit for bit. Where no
/// doubles do (a centre nearer to 0 than a hundred-millionth of the size), the nearest.
PixelRun to_run(const AxisSpan& span, int side_px);
PixelEnds to_ends(const AxisSpan& span, int side_px);

/// A coordinate of an outline: float(result / side) is `value` again. @param value divided by side
double to_pixel(float value, int side_px);

/// A box as a label, if it has a part in the image.
struct PlacedLabel {
  std::optional<Label> label;
  bool clipped = false;  // the label is that of the part in the image
};

/// Labels hold what YOLO text could hold: centre and size within 0..1. A box that is not so is
/// clipped to the image; nothing is left of one that lies outside of it.
PlacedLabel place_label(int class_id, const PixelEnds& x, const PixelEnds& y, int width_px,
                        int height_px);
PlacedLabel place_label(int class_id, const PixelRun& x, const PixelRun& y, int width_px,
                        int height_px);

}  // namespace gannet
