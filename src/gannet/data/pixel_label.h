// Objects in pixels of the image at hand, and the way to and from normalised labels: augmentation
// moves corners, labels are stored as centre and size.
#pragma once

#include <vector>

#include "gannet/core/box.h"

namespace gannet {

struct PixelLabel {
  int class_id = 0;
  Box box_px;
};

/// Where the unit square of normalised labels lies: pixel = normalised * size + offset.
struct PixelFrame {
  double width = 0, height = 0;
  double x = 0, y = 0;
};

std::vector<PixelLabel> to_pixels(const std::vector<Label>& labels, const PixelFrame& frame);

/// Labels normalised by an image of width x height pixels.
std::vector<Label> to_labels(const std::vector<PixelLabel>& labels, int width, int height);

}  // namespace gannet
