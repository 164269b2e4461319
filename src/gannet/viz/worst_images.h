// The images on which a model did worst, each with what was found, missed and made up.
#pragma once

#include <opencv2/core.hpp>
#include <string>
#include <vector>

#include "gannet/core/box.h"
#include "gannet/viz/draw.h"

namespace gannet {

/// A box of the mosaic, in pixels of its image.
struct JudgedBox {
  Box box_px;
  std::string caption;  // of the class; none if empty
};

struct JudgedImage {
  std::string name;
  cv::Mat bgr;                    // may be empty: then the field stays grey
  std::vector<JudgedBox> found;   // labels that were detected
  std::vector<JudgedBox> missed;  // labels that were not
  std::vector<JudgedBox> false_detections;
};

struct WorstImagesOptions {
  int columns = 4;
  int tile_px = 400;  // width and height of the field for an image
};

/// Tiles row by row in the order given, with a legend above and "name: 5 missed, 2 false" below
/// each: found labels green, missed ones dashed red, false detections magenta. No images give an
/// empty one.
cv::Mat worst_images_mosaic(const std::vector<JudgedImage>& images,
                            const WorstImagesOptions& options = {});

}  // namespace gannet
