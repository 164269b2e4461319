// Plain boxes, labels and detections, and the conversions between their frames.
#pragma once

#include <array>
#include <string>
#include <vector>

namespace gannet {

/// Corners in pixels.
struct Box {
  float x1 = 0, y1 = 0, x2 = 0, y2 = 0;
  float width() const { return x2 - x1; }
  float height() const { return y2 - y1; }
  float area() const { return width() * height(); }
};

/// A ground-truth object: class index, centre and size divided by image width and height.
struct Label {
  int class_id = 0;
  float cx = 0, cy = 0, width = 0, height = 0;
  friend bool operator==(const Label&, const Label&) = default;
};

/// Outline of an object: points (x, y) divided by image width and height.
using Polygon = std::vector<std::array<float, 2>>;

/// A detected object in pixels of the original image.
struct Detection {
  Box box_px;
  float score = 0;
  int class_id = 0;
  std::string label;
};

/// Intersection over union; 0 where the union has no area.
float iou(const Box& a, const Box& b);

/// Clips corners to [0, width] x [0, height].
Box clip(const Box& box, float width, float height);

/// How an image was resized and padded: network pixel = original pixel * gain + pad.
struct LetterboxRecord {
  int original_height = 0, original_width = 0;
  double gain_h = 1, gain_w = 1;
  double pad_w = 0, pad_h = 0;
};

/// Network pixels back to original pixels, clipped. The original's rule: gain_h for both axes.
Box to_original(const Box& box, const LetterboxRecord& record);

}  // namespace gannet
