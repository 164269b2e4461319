// Objects in pixels of the image at hand, and the way to and from normalised labels: augmentation
// moves corners, labels are stored as centre and size.
#pragma once

#include <vector>

#include "gannet/core/box.h"

namespace gannet {

struct PixelLabel {
  int class_id = 0;
  Box box_px;
  Polygon outline_px = {};  // empty for an object that is known by its box alone
};

/// Where the unit square of normalised labels lies: pixel = normalised * size + offset.
struct PixelFrame {
  double width = 0, height = 0;
  double x = 0, y = 0;
};

/// @param polygons as in Sample: one for each label, or none at all
std::vector<PixelLabel> to_pixels(const std::vector<Label>& labels, const PixelFrame& frame,
                                  const std::vector<Polygon>& polygons = {});

/// Labels normalised by an image of width x height pixels.
std::vector<Label> to_labels(const std::vector<PixelLabel>& labels, int width, int height);

/// Their outlines, normalised likewise; none at all when no label has one.
std::vector<Polygon> to_polygons(const std::vector<PixelLabel>& labels, int width, int height);

/// Box and outline clipped to [0, width] x [0, height].
PixelLabel clip(PixelLabel label, int width, int height);

}  // namespace gannet
