// Objects and detections as COCO's evaluation takes them: ids of COCO, double precision, pixels of
// the original picture.
#pragma once

#include <array>
#include <cstdint>

namespace gannet {

/// A ground-truth object.
struct CocoTruth {
  std::int64_t image_id = 0, category_id = 0;
  std::array<double, 4> box_px{};  // left, top, width, height
  double area_px = 0;              // square pixels: of the outline where there is one
  bool is_crowd = false;           // a region of many objects: takes detections, need not be found
};

struct CocoDetection {
  std::int64_t image_id = 0, category_id = 0;
  std::array<double, 4> box_px{};  // left, top, width, height
  double score = 0;
};

}  // namespace gannet
